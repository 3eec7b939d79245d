// What every page does by itself: live parts, times in the viewer's zone, messages, questions before what cannot be undone.

/* live parts: an element with data-live="topic topic" gets the event `live` when one of its topics changed */
const connection = document.getElementById("connection");
let source = null;
let followed = "";
let wasLost = false;
let isFirst = true;
let lostTimer = 0;

const liveParts = () => [...document.querySelectorAll("[data-live]")];
const topicsOf = (part) => part.dataset.live.split(/\s+/).filter(Boolean);
const isEdited = (part) => {
  const active = document.activeElement;
  return part.contains(active) && active.matches("input:not([type=checkbox]):not([type=radio]), textarea, select");
};

function refresh(part) {
  if (isEdited(part)) {
    // what somebody is typing is not taken from under their hands
    document.activeElement.addEventListener("blur", () => setTimeout(() => refresh(part), 50), { once: true });
    return;
  }
  htmx.trigger(part, "live");
}

function refreshAll() {
  for (const part of liveParts()) refresh(part);
}

function follow() {
  const topics = [...new Set(liveParts().flatMap(topicsOf))].sort().join(",");
  if (topics === followed && source && source.readyState !== EventSource.CLOSED) return;
  followed = topics;
  source?.close();
  source = null;
  if (!topics || document.hidden) return;
  // of a fresh page the server tells what changed since it was made; later everything is read again
  const since = isFirst ? `&since=${encodeURIComponent(document.body.dataset.began ?? "")}` : "";
  const opened = new EventSource(`/live?topics=${encodeURIComponent(topics)}${since}`);
  source = opened;
  opened.addEventListener("ready", () => {
    clearTimeout(lostTimer);
    lostTimer = 0;
    connection.hidden = true;
    if (wasLost || !isFirst) refreshAll();
    wasLost = isFirst = false;
    document.documentElement.dataset.connected = "true";
  });
  opened.addEventListener("changed", (event) => {
    const changed = new Set(JSON.parse(event.data));
    for (const part of liveParts()) {
      if (changed.has("*") || topicsOf(part).some((topic) => changed.has(topic))) refresh(part);
    }
  });
  opened.addEventListener("error", () => {
    if (source !== opened) return;
    wasLost = true;
    delete document.documentElement.dataset.connected;
    // not begun anew by every try that fails: they come faster than this, and the words would never show
    lostTimer ||= setTimeout(() => (connection.hidden = false), 1500);
    if (opened.readyState === EventSource.CLOSED) setTimeout(() => source === opened && ((source = null), follow()), 2000);
  });
}

document.addEventListener("visibilitychange", () => {
  // a hidden page gives its connection back: browsers allow six to one server
  if (document.hidden) {
    source?.close();
    source = null;
    wasLost = true;
  } else {
    follow();
  }
});
window.addEventListener("pagehide", () => source?.close());

/* what a person has opened stays open when the part around it is read again */
Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) => name !== "open" || !node.matches("details, dialog");

/* times: absolute ones in the viewer's zone and language, relative ones kept up */
const absolute = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

function told(seconds) {
  const [unit, size] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? UNITS.at(-1);
  return relative.format(Math.round(seconds / size), unit);
}

function showTimes(root) {
  for (const time of root.querySelectorAll("time[data-when], time[data-ago]")) {
    const at = new Date(time.dateTime);
    const text = time.hasAttribute("data-ago") ? told((at - Date.now()) / 1000) : absolute.format(at);
    if (time.textContent !== text) time.textContent = text;
    time.title = absolute.format(at);
  }
}

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && !document.cookie.includes(`interlock_zone=${encodeURIComponent(zone)}`)) {
  document.cookie = `interlock_zone=${encodeURIComponent(zone)}; path=/; max-age=31536000; samesite=lax`;
}

/* messages */
function dismissLater(root) {
  for (const toast of root.querySelectorAll("[data-toast].good")) setTimeout(() => toast.remove(), 8000);
}

export function toast(text, tone = "good") {
  const made = document.createElement("div");
  made.className = `toast ${tone}`;
  made.dataset.toast = "";
  const words = document.createElement("div");
  words.textContent = text;
  const close = document.createElement("button");
  close.type = "button";
  close.className = "quiet";
  close.dataset.dismiss = "";
  close.setAttribute("aria-label", "Close this message");
  close.textContent = "×";
  made.append(words, close);
  document.getElementById("toasts").append(made);
  dismissLater(document);
}

/* a question before what cannot be undone */
const confirmation = document.getElementById("confirm");
export function ask(question) {
  confirmation.querySelector("p").textContent = question;
  confirmation.returnValue = "no";
  confirmation.showModal();
  return new Promise((resolve) => {
    confirmation.addEventListener("close", () => resolve(confirmation.returnValue === "yes"), { once: true });
  });
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.dataset.confirm || form.dataset.confirmed) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const submitter = event.submitter;
  if (!(await ask(form.dataset.confirm))) return;
  form.dataset.confirmed = "true";
  form.requestSubmit(submitter);
  delete form.dataset.confirmed;
}, true);

document.addEventListener("htmx:confirm", (event) => {
  if (!event.detail.question) return;
  event.preventDefault();
  ask(event.detail.question).then((agreed) => agreed && event.detail.issueRequest(true));
});

/* small things by click */
document.addEventListener("click", async (event) => {
  const found = (selector) => event.target.closest?.(selector);
  const copied = found("[data-copy]");
  if (copied) {
    await navigator.clipboard.writeText(copied.dataset.copy);
    toast("Copied.");
  }
  found("[data-dismiss]")?.closest("[data-toast]")?.remove();
  const opener = found("[data-opens]");
  if (opener) document.getElementById(opener.dataset.opens)?.showModal();
  const menu = found("[data-menu]");
  if (menu) {
    const open = document.getElementById("nav").classList.toggle("open");
    menu.setAttribute("aria-expanded", String(open));
  }
  if (found("[data-theme-switch]")) {
    const root = document.documentElement;
    const isDark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = isDark ? "light" : "dark";
    localStorage.setItem("interlock-theme", root.dataset.theme);
  }
});

/* htmx: forms carry the mark in their fields or headers; failures of the network are told */
document.addEventListener("htmx:sendError", () => toast("The server cannot be reached; nothing was changed.", "bad"));
document.addEventListener("htmx:afterSettle", (event) => {
  showTimes(event.target.ownerDocument);
  dismissLater(document);
  follow();
});

setInterval(() => showTimes(document), 30000);
showTimes(document);
dismissLater(document);
follow();
