// The kinds of nodes: a list to search and drag from, and what comes next behind a node.

import { make } from "./form.js";

const CATEGORIES = [["start", "Start"], ["ai", "AI"], ["action", "Actions"], ["data", "Data"], ["flow", "Flow"], ["people", "People"]];
const USUAL = ["ai", "transform", "condition", "tool", "output"];
const NEXT = {
  trigger: ["ai", "transform", "agent", "condition", "tool", "output"],
  ai: ["output", "gate", "tool", "condition", "transform"],
  agent: ["output", "gate", "tool", "condition"],
  gate: ["tool", "output", "http"],
  condition: ["output", "ai", "gate", "tool"],
  classify: ["output", "ai", "agent", "gate"],
  loop: ["transform", "ai", "tool"],
  knowledge: ["ai", "transform", "output"],
  memory_read: ["ai", "transform", "output"],
  table_read: ["loop", "transform", "ai", "output"],
};

export class Palette {
  /** `on`: add(kind, {after, branch, position}), place(event) for a point of the screen, canvas to drop on. */
  constructor(model, data, on) {
    Object.assign(this, { model, data, on, dialog: document.getElementById("wf-suggest") });
    const search = document.getElementById("wf-search");
    search.addEventListener("input", () => this.list(search.value));
    search.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      document.querySelector("#wf-kinds button")?.click();
    });
    this.list("");
    this.drops(on.canvas);
  }

  add(kind, options) {
    if (kind === "trigger" && this.model.nodes.some((node) => node.kind === "trigger")) return;
    this.on.add(kind, options);
  }

  found(words) {
    const wanted = words.trim().toLowerCase();
    const hasTrigger = this.model.nodes.some((node) => node.kind === "trigger");
    return this.data.kinds.filter((kind) => !(hasTrigger && kind.kind === "trigger") && `${kind.title} ${kind.summary} ${kind.kind}`.toLowerCase().includes(wanted));
  }

  list(words) {
    const kinds = this.found(words);
    const groups = CATEGORIES.map(([category, title]) => [title, kinds.filter((kind) => kind.category === category)]).filter(([, found]) => found.length);
    document.getElementById("wf-kinds").replaceChildren(
      ...groups.map(([title, found]) => make("section", {}, make("h3", {}, title), make("ul", {}, ...found.map((kind) => make("li", {}, this.item(kind)))))),
      ...(groups.length ? [] : [make("p", { class: "hint" }, "No kind is called so.")]),
    );
  }

  item(kind) {
    const button = make("button", { type: "button", class: `wf-kind-item cat-${kind.category}`, draggable: true, title: kind.summary }, kind.title);
    button.addEventListener("dragstart", (event) => {
      event.dataTransfer.setData("application/x-interlock-kind", kind.kind);
      event.dataTransfer.effectAllowed = "copy";
    });
    button.addEventListener("click", () => this.add(kind.kind, {}));
    return button;
  }

  drops(canvas) {
    const isKind = (event) => event.dataTransfer.types.includes("application/x-interlock-kind");
    canvas.addEventListener("dragover", (event) => {
      if (!isKind(event)) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = "copy";
    });
    canvas.addEventListener("drop", (event) => {
      if (!isKind(event)) return;
      event.preventDefault();
      this.add(event.dataTransfer.getData("application/x-interlock-kind"), { position: this.on.place(event) });
    });
  }

  /** Ask what comes behind a node, or without one what is added. */
  suggest(id, opener) {
    const node = id ? this.model.node(id) : null;
    const ways = node ? this.model.ways(node) : [null];
    const free = ways.find((way) => !this.model.edges.some((edge) => edge.source === id && (edge.branch ?? null) === way));
    const usual = (node ? (NEXT[node.kind] ?? USUAL) : USUAL).map((name) => this.data.kinds.find((kind) => kind.kind === name)).filter(Boolean);
    const way = make("select", { id: "wf-way" }, ...ways.map((one) => make("option", { value: one ?? "", selected: one === (free === undefined ? ways[0] : free) }, one ?? "next")));
    const choose = (kind) => {
      this.dialog.close("chosen");
      this.add(kind.kind, node ? { after: id, branch: way.value || null } : {});
    };
    const row = (kind) => make("li", {}, make("button", { type: "button", class: `wf-next cat-${kind.category}`, on: { click: () => choose(kind) } }, make("b", {}, kind.title), make("span", { class: "muted" }, kind.summary)));
    const others = this.found("").filter((kind) => !usual.includes(kind) && (!node || kind.kind !== "trigger"));
    document.getElementById("wf-suggest-title").textContent = node ? `What comes after ${this.model.title(node)}?` : "Which kind of node?";
    document.getElementById("wf-suggest-body").replaceChildren(
      ...(ways.length > 1 ? [make("div", { class: "field" }, make("label", { for: "wf-way" }, "On the way"), way)] : []),
      make("ul", { class: "wf-nexts" }, ...usual.map(row)),
      make("details", {}, make("summary", {}, "All other kinds"), make("ul", { class: "wf-nexts" }, ...others.map(row))),
    );
    this.dialog.addEventListener("close", () => this.dialog.returnValue !== "chosen" && opener?.isConnected && opener.focus(), { once: true });
    this.dialog.returnValue = "";
    this.dialog.showModal();
    this.dialog.querySelector(".wf-next")?.focus();
  }
}
