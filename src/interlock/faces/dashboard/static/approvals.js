// Keys of the approvals, and how many requests are picked. Everything here is also done by a button.

let currentKey = null;

const items = () => [...document.querySelectorAll("[data-item]")];
const current = () =>
  document.activeElement.closest?.("[data-item]") ??
  items().find((item) => item.dataset.item === currentKey) ??
  (items().length === 1 ? items()[0] : null);

function move(step) {
  const all = items();
  if (!all.length) return;
  const place = all.indexOf(current());
  const next = all[place < 0 ? 0 : Math.min(Math.max(place + step, 0), all.length - 1)];
  currentKey = next.dataset.item;
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}

function reject(item) {
  const details = item.querySelector(".rejecting");
  if (details) details.open = true;
  (details?.querySelector("input[name=comment]") ?? document.getElementById("reject-comment"))?.focus();
}

const DOES = {
  j: () => move(1),
  k: () => move(-1),
  o: (item) => item?.querySelector("[data-open]")?.click(),
  a: (item) => item?.querySelector("[data-approve]")?.click(),
  r: (item) => item && reject(item),
  e: (item) => item?.querySelector("[data-edit]")?.click(),
  x: (item) => item?.querySelector("[data-pick]")?.click(),
  u: () => document.querySelector("[data-back]")?.click(),
  "?": () => document.getElementById("keys")?.showModal(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]")) return;
  if (document.querySelector("dialog[open]")) return;
  const key = event.key === "Enter" && event.target.matches("[data-item]") ? "o" : event.key;
  if (!Object.hasOwn(DOES, key)) return;
  event.preventDefault();
  DOES[key](current());
});

function count() {
  const form = document.getElementById("picked");
  if (!form) return;
  const picked = [...document.querySelectorAll("[data-pick]:checked")];
  const number = picked.reduce((sum, box) => sum + Number(box.dataset.size), 0);
  form.classList.toggle("some", number > 0);
  for (const button of form.querySelectorAll("[data-needs-pick]")) button.disabled = number === 0;
  const words = form.querySelector("[data-picked]");
  const text = words.textContent.replace(/;[^;]*$/, `; ${number ? `${number} picked` : "none picked"}`);
  if (words.textContent !== text) words.textContent = text;
}

document.addEventListener("change", (event) => event.target.matches("[data-pick]") && count());
document.addEventListener("htmx:afterSettle", () => {
  count();
  // a decided request is gone: the keys go on with what has taken its place
  if (currentKey && !items().some((item) => item.dataset.item === currentKey)) {
    const next = items()[0];
    currentKey = next?.dataset.item ?? null;
    if (document.activeElement === document.body) next?.focus();
  }
});
count();
