// The editor of a workflow: palette, drawing, outline, panel, live check, saving, and nodes that light up while it runs.

import { Canvas } from "./canvas.js";
import { make } from "./form.js";
import { Model } from "./model.js";
import { Palette } from "./palette.js";
import { Panel } from "./panel.js";

// the page's own module, by the very address it was loaded from: another one would run it twice
const { toast, ask } = await import(document.querySelector('script[src*="/app.js"]').src);

const CHECK_MS = 350;
const STEP = 20;
const READABLE = 0.75;
const find = (id) => document.getElementById(id);
const data = JSON.parse(find("workflow-data").dataset.json);
const kinds = new Map(data.kinds.map((kind) => [kind.kind, kind]));
const model = new Model(data, kinds);
const draftKey = `interlock-workflow-${data.id}`;
let version = data.version;
let problems = [];
let checking = 0;

const say = (words, tone) => toast(words, tone ?? "warn");
const canvas = new Canvas(find("wf-canvas"), model, {
  select: (id) => select(id),
  move: (id, x, y) => model.edit(() => (model.node(id).position = { x: Math.round(x), y: Math.round(y) })),
  connect: (source, target, branch) => {
    const refused = model.connect(source, target, branch);
    if (refused) say(refused);
  },
  cut: (edge) => model.disconnect(edge),
  cutting: (edge) => tell(`Connection ${edge.branch ? `“${edge.branch}” ` : ""}to ${model.title(model.node(edge.target))}: press Delete to remove it.`),
  suggest: (id, button) => palette.suggest(id, button),
  key: (event, id) => nodeKey(event, id),
});
const panel = new Panel(find("wf-panel"), model, data, {
  problem: say,
  removed: (id) => remove(id),
  renamed: (id) => select(id, { force: true }),
  suggest: (id, button) => palette.suggest(id, button),
});
const palette = new Palette(model, data, {
  add: (kind, options = {}) => {
    const id = model.add(kind, options);
    select(id);
    canvas.reveal(id);
    focusPanel();
  },
  place: (event) => canvas.at(event.clientX, event.clientY),
  canvas: find("wf-canvas"),
});

function tell(words) {
  find("wf-told").textContent = words;
}

function focusPanel() {
  find("wf-panel-title")?.focus({ preventScroll: window.innerWidth > 860 });
}

function select(id, options) {
  canvas.selected = id;
  document.querySelector(".wf").classList.toggle("without-panel", !id);
  canvas.show();
  panel.show(id, options);
  outline();
  showTurn(id);
}

function remove(id) {
  const name = model.title(model.node(id));
  const neighbour = model.edges.find((edge) => edge.target === id)?.source ?? null;
  model.remove(id);
  select(neighbour);
  canvas.faceOf(neighbour)?.focus();
  tell(`${name} was deleted; Undo brings it back.`);
}

function nodeKey(event, id) {
  const moves = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };
  if (moves[event.key]) {
    event.preventDefault();
    const [dx, dy] = moves[event.key];
    model.edit(() => {
      const { x, y } = model.node(id).position;
      model.node(id).position = { x: x + dx, y: y + dy };
    }, `move:${id}`);
    canvas.reveal(id);
  } else if (event.key === "Delete" || event.key === "Backspace") {
    event.preventDefault();
    remove(id);
  } else if (event.key === "Enter") {
    event.preventDefault();
    select(id);
    find("wf-name")?.focus();
  } else if (event.key === "+") {
    event.preventDefault();
    palette.suggest(id, canvas.faceOf(id));
  }
}

/* the same graph as a list */
function outline() {
  const list = find("wf-outline");
  const rows = model.order().map((node) => {
    const wrong = canvas.problems.get(node.id) ?? 0;
    const state = canvas.states.get(node.id);
    const leads = model.edges.filter((edge) => edge.source === node.id);
    const open = make("button", { type: "button", class: "wf-row", "aria-current": node.id === canvas.selected ? "true" : null, on: { click: () => (select(node.id), focusPanel()) } }, make("b", {}, model.title(node)), make("span", { class: "muted" }, ` ${model.facts(node).title}`), state ? make("span", { class: `wf-mark ${state.state}` }, state.words) : null, wrong ? make("span", { class: "wf-mark failed" }, `${wrong} to mend`) : null);
    const to = leads.map((edge) => `${edge.branch ? `${edge.branch} ` : ""}→ ${model.node(edge.target) ? model.title(model.node(edge.target)) : edge.target}`).join(", ");
    return make("li", {}, open, make("span", { class: "wf-leads muted" }, to || (node.kind === "output" ? "the end" : "leads nowhere yet")));
  });
  list.replaceChildren(...rows);
  find("wf-outline-empty").hidden = rows.length > 0;
}

/* what changed is shown, checked and kept in this browser until it is saved */
function refresh() {
  if (canvas.selected && !model.node(canvas.selected)) canvas.selected = null;
  document.querySelector(".wf").classList.toggle("without-panel", !canvas.selected);
  canvas.show();
  panel.show(canvas.selected);
  outline();
  find("wf-empty").hidden = model.nodes.length > 0;
  find("wf-undo").disabled = !model.done.length;
  find("wf-redo").disabled = !model.undone.length;
  find("wf-save").disabled = !data.mayEdit || !model.isDirty;
  find("wf-saved").textContent = model.isDirty ? "Not saved yet" : `Saved as version ${version}`;
  keep();
  sample();
  clearTimeout(checking);
  checking = setTimeout(check, CHECK_MS);
}

function keep() {
  if (!find("wf-draft").hidden) return;
  try {
    if (model.isDirty) localStorage.setItem(draftKey, JSON.stringify({ version, text: model.text(), at: Date.now() }));
    else localStorage.removeItem(draftKey);
  } catch {
    // a browser that keeps nothing loses what is not saved
  }
}

/* the trigger's example is what trying out begins with, until somebody writes something else there */
let shownSample = null;
function sample() {
  const input = find("wf-input");
  const given = model.nodes.find((node) => node.kind === "trigger")?.config?.sample;
  const text = JSON.stringify(given ?? {}, null, 2);
  const isUntouched = input.value === shownSample || input.value === input.defaultValue;
  if (given && text !== shownSample && isUntouched) {
    input.value = text;
    shownSample = text;
  }
}

async function send(path, fields) {
  const token = JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRF-Token"];
  const body = new URLSearchParams({ _csrf: token, ...fields });
  const reply = await fetch(path, { method: "POST", body, headers: { Accept: "application/json", "X-CSRF-Token": token } });
  return { status: reply.status, told: await reply.json() };
}

async function check() {
  const text = model.text();
  try {
    const { status, told } = await send("/workflows/check", { graph: text });
    if (text !== model.text()) return;
    if (status === 200) {
      problems = told.problems;
      Object.assign(model.branches, told.branches);
    } else problems = [{ node: told.node ?? null, field: told.field ?? "", message: told.message }];
  } catch {
    return; // the next change asks again
  }
  showProblems();
}

function showProblems() {
  canvas.problems = new Map();
  for (const one of problems) if (one.node) canvas.problems.set(one.node, (canvas.problems.get(one.node) ?? 0) + 1);
  canvas.show();
  panel.connections();
  panel.mark(problems);
  outline();
  const list = find("wf-problems");
  list.replaceChildren(
    ...problems.slice(0, 20).map((one) => {
      const node = one.node && model.node(one.node);
      const words = one.message.replace(/^'config\./, "'");
      if (!node) return make("li", {}, words);
      return make("li", {}, make("button", { type: "button", class: "wf-problem", on: { click: () => (select(node.id), canvas.reveal(node.id), find("wf-panel").querySelector("[aria-invalid]")?.focus()) } }, make("b", {}, `${model.title(node)}: `), words));
    }),
  );
  find("wf-problem-count").textContent = problems.length ? `${problems.length} to mend` : model.nodes.length ? "Nothing to mend" : "";
  find("wf-problem-count").className = problems.length ? "badge bad" : "badge good";
}

/* saving */
async function save({ replace = false } = {}) {
  if (!model.isDirty && !replace) return true;
  const text = model.text();
  let answer;
  try {
    answer = await send(`/workflows/${data.id}/save`, replace ? { graph: text } : { graph: text, expected_version: String(version) });
  } catch {
    say("The server cannot be reached; your changes are kept in this browser.", "bad");
    return false;
  }
  if (answer.status === 200) {
    version = answer.told.version;
    find("wf-version").textContent = version;
    model.saved = text;
    find("wf-conflict").hidden = true;
    refresh();
    tell(`Saved as version ${version}.`);
    return true;
  }
  if (answer.told.code === "version_conflict") {
    find("wf-conflict-words").textContent = answer.told.message;
    find("wf-conflict").hidden = false;
    find("wf-conflict").querySelector("button").focus();
    return false;
  }
  if (answer.told.problems) {
    problems = answer.told.problems;
    showProblems();
  }
  say(`Not saved: ${answer.told.message}${answer.told.hint ? ` ${answer.told.hint}` : ""}`, "bad");
  return false;
}

/* running: the server's table of nodes says how each one stands */
function lightUp() {
  canvas.states = new Map([...document.querySelectorAll("#wf-progress [data-node-state]")].map((row) => [row.dataset.node, { state: row.dataset.nodeState, words: row.dataset.words }]));
  canvas.show();
  outline();
}

function showTurn(id) {
  const run = find("wf-progress")?.dataset.run;
  const place = find("wf-node-run");
  if (!run || !place || !id || !canvas.states.has(id)) return;
  if (place.dataset.shows === `${run}/${id}/${canvas.states.get(id).state}`) return;
  place.dataset.shows = `${run}/${id}/${canvas.states.get(id).state}`;
  htmx.ajax("GET", `/workflows/${data.id}/runs/${run}/nodes/${id}`, { target: place, swap: "innerHTML" });
}

document.addEventListener("htmx:afterSettle", () => {
  if (!find("wf-progress")) return;
  lightUp();
  showTurn(canvas.selected);
});

document.addEventListener("htmx:confirm", (event) => {
  if (event.target.id !== "wf-run" || !model.isDirty) return;
  event.preventDefault();
  save().then((isSaved) => isSaved && event.detail.issueRequest(true));
});

/* the toolbar and the keyboard */
const again = (changed) => changed && panel.show(canvas.selected, { force: true });
const tools = {
  "wf-undo": () => again(model.undo()),
  "wf-redo": () => again(model.redo()),
  "wf-tidy": () => (model.edit(() => model.arrange()), canvas.fit(READABLE)),
  "wf-fit": () => canvas.fit(),
  "wf-in": () => canvas.zoomBy(1),
  "wf-out": () => canvas.zoomBy(-1),
  "wf-save": () => save(),
  "wf-mine": () => save({ replace: true }),
  "wf-theirs": async () => {
    if (!(await ask("Your changes are thrown away. Go on?"))) return;
    localStorage.removeItem(draftKey);
    location.reload();
  },
  "wf-example": () => {
    model.edit(() => {
      model.nodes = data.example.nodes;
      model.edges = data.example.edges;
      model.arrange();
    });
    select(data.example.nodes[1].id);
    canvas.fit(READABLE);
  },
  "wf-first": () => palette.add("trigger"),
  "wf-add": () => palette.suggest(null, find("wf-add")),
};
for (const [id, run] of Object.entries(tools)) find(id)?.addEventListener("click", run);

function showAs(list) {
  document.querySelector(".wf").classList.toggle("as-list", list);
  find("wf-as-list").setAttribute("aria-pressed", String(list));
  if (!list) {
    canvas.shape = "";
    canvas.show();
    canvas.fit(READABLE);
  }
}
find("wf-as-list").addEventListener("click", () => showAs(!document.querySelector(".wf").classList.contains("as-list")));

document.addEventListener("keydown", (event) => {
  const key = event.key.toLowerCase();
  if (!(event.ctrlKey || event.metaKey)) return;
  if (key === "s") {
    event.preventDefault();
    save();
  } else if (!event.target.matches("input, textarea, select") && (key === "z" || key === "y")) {
    event.preventDefault();
    tools[key === "y" || event.shiftKey ? "wf-redo" : "wf-undo"]();
  }
}, true);

/* what was not saved when the page was left */
function offerDraft() {
  let kept = null;
  try {
    kept = JSON.parse(localStorage.getItem(draftKey) ?? "null");
  } catch {
    kept = null;
  }
  if (!kept || kept.text === model.text()) return;
  const bar = find("wf-draft");
  find("wf-draft-words").textContent = `You left changes here that were not saved, from ${new Date(kept.at).toLocaleString()}${kept.version === version ? "" : `; version ${version} was saved since`}.`;
  bar.hidden = false;
  bar.querySelector("[data-take]").addEventListener("click", () => {
    bar.hidden = true;
    model.edit(() => ({ nodes: model.nodes, edges: model.edges } = JSON.parse(kept.text)));
    canvas.fit(READABLE);
  });
  bar.querySelector("[data-drop]").addEventListener("click", () => {
    bar.hidden = true;
    localStorage.removeItem(draftKey);
  });
}

const narrow = matchMedia("(max-width: 860px)");
narrow.addEventListener("change", () => showAs(narrow.matches));
offerDraft();
showAs(narrow.matches);
refresh();
lightUp();
canvas.fit(READABLE);
model.addEventListener("change", refresh);
document.querySelector(".wf").dataset.ready = "true";
