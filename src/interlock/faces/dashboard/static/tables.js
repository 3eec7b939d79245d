// The grid: one cell at a time has the focus (WAI-ARIA grid pattern), a cell is edited in place, other people's changes
// arrive around it.
const csrf = JSON.parse(document.body.getAttribute("hx-headers") ?? "{}");
let place = { row: 0, column: 1 };
let editing = null;

const grid = () => document.querySelector("[data-grid]");
const rowsOf = () => [...grid().querySelectorAll("tr")];
const cellsOf = (row) => [...row.children];
const focusable = (cell) => cell.querySelector(":scope > a") ?? cell;

function cellAt(row, column) {
  const rows = rowsOf();
  const line = rows[Math.max(0, Math.min(row, rows.length - 1))];
  const cells = cellsOf(line);
  return cells[Math.max(0, Math.min(column, cells.length - 1))];
}

function whereIs(cell) {
  const row = cell.closest("tr");
  return { row: rowsOf().indexOf(row), column: cellsOf(row).indexOf(cell) };
}

/* exactly one cell can be reached by Tab */
function settle() {
  if (!grid()) return;
  for (const each of grid().querySelectorAll("th, td, a")) each.tabIndex = -1;
  for (const each of grid().querySelectorAll("th")) if (each.querySelector(":scope > a")) each.removeAttribute("tabindex");
  if (place.row < 1 && rowsOf().length > 1 && !grid().contains(document.activeElement)) place = { row: 1, column: 1 };
  focusable(cellAt(place.row, place.column)).tabIndex = 0;
}

function go(row, column) {
  const cell = cellAt(row, column);
  place = whereIs(cell);
  settle();
  focusable(cell).focus();
  cell.scrollIntoView({ block: "nearest", inline: "nearest" });
}

/* editing */
function control(cell) {
  const head = document.getElementById(`h-${cell.dataset.key}`);
  const raw = cell.dataset.raw ?? cell.textContent;
  const kind = head.dataset.type;
  let made;
  if (kind === "select" || kind === "boolean") {
    made = document.createElement("select");
    const options = kind === "boolean" ? [["true", "yes"], ["false", "no"]] : JSON.parse(head.dataset.options).map((one) => [one, one]);
    if (raw && !options.some(([value]) => value === raw)) options.push([raw, raw]);
    for (const [value, text] of [["", ""], ...options]) made.add(new Option(text, value, false, value === raw));
  } else if (kind === "text") {
    made = document.createElement("textarea");
    made.rows = Math.min(6, Math.max(1, raw.split("\n").length));
    made.value = raw;
  } else {
    made = document.createElement("input");
    made.type = kind === "date" && !raw.includes("T") ? "date" : "text";
    if (kind === "number") made.inputMode = "decimal";
    made.value = raw;
  }
  made.setAttribute("aria-label", `${head.querySelector("a")?.firstChild.textContent.trim() ?? head.firstChild.textContent.trim()}, row ${place.row}`);
  return made;
}

function edit(cell, typed) {
  if (editing || !cell.matches("td") || cell.getAttribute("aria-readonly")) return;
  const made = control(cell);
  editing = { cell, made, before: [...cell.childNodes], raw: cell.dataset.raw ?? cell.textContent };
  cell.classList.add("editing");
  cell.replaceChildren(made);
  made.focus();
  if (typed !== undefined && made.matches("textarea, input:not([type=date])")) made.value = typed;
  else made.select?.();
  made.addEventListener("blur", () => editing?.made === made && keep());
}

function stop() {
  const { cell, before } = editing;
  editing = null;
  cell.classList.remove("editing");
  cell.replaceChildren(...before);
  return cell;
}

async function keep(next) {
  const { made, raw } = editing;
  const value = made.value;
  const cell = stop();
  if (next) go(place.row + next.row, place.column + next.column);
  if (value !== raw) await send(cell, value);
}

async function send(cell, value) {
  const row = cell.closest("tr");
  cell.classList.add("saving");
  try {
    const reply = await fetch(`/tables/${grid().dataset.table}/rows/${row.dataset.row}/cell`, {
      method: "POST",
      headers: { ...csrf, "HX-Request": "true", "Content-Type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({ column: cell.dataset.key, value }),
    });
    const text = await reply.text();
    if (!reply.ok) return refuse(cell, value, plain(text));
    const index = row.getAttribute("aria-rowindex");
    const number = row.querySelector("th a").textContent;
    const focused = grid().contains(document.activeElement) ? document.activeElement.id : "";
    const current = document.getElementById(row.id);
    if (!current || (editing && current.contains(editing.cell))) return;
    Idiomorph.morph(current, text, { morphStyle: "outerHTML" });
    const fresh = document.getElementById(row.id);
    fresh.setAttribute("aria-rowindex", index);
    fresh.querySelector("th a").textContent = number;
    settle();
    if (focused) focusable(document.getElementById(focused) ?? grid()).focus();
  } catch {
    refuse(cell, value, "The server cannot be reached; the cell is as it was.");
  } finally {
    cell.classList.remove("saving");
  }
}

const plain = (text) => new DOMParser().parseFromString(text, "text/html").body.textContent.replace("×", "").trim();

/* what was typed stays, with the reason beside it */
function refuse(cell, value, why) {
  if (editing || !cell.isConnected) return;
  place = whereIs(cell);
  edit(cell);
  editing.made.value = value;
  editing.made.setAttribute("aria-invalid", "true");
  const told = document.createElement("div");
  told.className = "cell-problem";
  told.id = "cell-problem";
  told.setAttribute("role", "alert");
  told.textContent = why;
  document.body.append(told);
  const box = cell.getBoundingClientRect();
  told.style.left = `${Math.min(box.left, innerWidth - told.offsetWidth - 8)}px`;
  told.style.top = `${box.bottom + 2}px`;
  editing.made.setAttribute("aria-describedby", told.id);
  const away = () => told.remove();
  editing.made.addEventListener("input", away, { once: true });
  editing.made.addEventListener("blur", away, { once: true });
  editing.made.addEventListener("keydown", (event) => event.key === "Escape" && away(), { once: true });
}

const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], PageDown: [10, 0], PageUp: [-10, 0] };

function whileEditing(event) {
  if (event.key === "Escape") {
    const cell = stop();
    cell.focus();
  } else if (event.key === "Enter" && !event.shiftKey) {
    keep({ row: 1, column: 0 });
  } else if (event.key === "Tab") {
    keep({ row: 0, column: event.shiftKey ? -1 : 1 });
  } else return;
  event.preventDefault();
  event.stopPropagation();
}

document.addEventListener("keydown", (event) => {
  if (!event.target.closest?.("[data-grid]") || event.isComposing) return;
  if (editing) return whileEditing(event);
  const cell = event.target.closest("td, th");
  const move = MOVES[event.key];
  if (move) go(place.row + move[0], place.column + move[1]);
  else if (event.key === "Home") go(event.ctrlKey ? 1 : place.row, 0);
  else if (event.key === "End") go(event.ctrlKey ? Infinity : place.row, Infinity);
  else if ((event.key === "Enter" || event.key === "F2") && cell.matches("td")) edit(cell);
  else if (event.key === "Delete" && cell.matches("td:not([aria-readonly])")) send(cell, "");
  else if (event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey && cell.matches("td")) edit(cell, event.key);
  else return;
  event.preventDefault();
});

document.addEventListener("focusin", (event) => {
  const cell = event.target.closest?.("[data-grid] td, [data-grid] th");
  if (!cell || editing) return;
  place = whereIs(cell);
  settle();
});
document.addEventListener("dblclick", (event) => {
  const cell = event.target.closest?.("[data-grid] td");
  if (cell) edit(cell);
});
document.addEventListener("htmx:beforeSwap", (event) => {
  // a cell that is being edited is not taken from under somebody's hands; what changed comes with the next change
  if (editing && event.target.id === "grid-part") {
    event.detail.shouldSwap = false;
    editing.made.addEventListener("blur", () => htmx.trigger("#grid-part", "live"), { once: true });
  }
});
document.addEventListener("htmx:afterSettle", settle);
settle();
