// What is shown beside the graph for the node that is selected: its settings, its connections, its last run.

import { Form, make } from "./form.js";

const ON_ERROR = [
  ["fail", "The run fails"],
  ["continue", "Go on with the error as its output"],
];

export class Panel {
  /** `on`: problem(text), removed(id), renamed(id), suggest(id, button). */
  constructor(place, model, data, on) {
    Object.assign(this, { place, model, data, on, id: undefined, field: null });
    place.addEventListener("focusin", (event) => {
      if (event.target.dataset.language) this.field = event.target;
    });
  }

  show(id, { force = false } = {}) {
    if (id === this.id && !force) return this.connections();
    this.id = id;
    this.field = null;
    const node = id && this.model.node(id);
    if (!node) {
      this.id = null;
      this.place.replaceChildren(make("p", { class: "wf-nothing" }, "Select a node to set it up, or press the + behind one to go on from there."));
      return undefined;
    }
    const facts = this.model.facts(node);
    this.links = make("div", { class: "wf-links" });
    this.run = make("div", { id: "wf-node-run" });
    this.place.replaceChildren(
      make("h2", { id: "wf-panel-title", tabindex: "-1" }, facts.title),
      make("p", { class: "hint" }, facts.summary),
      this.name(node),
      this.form(node, facts),
      this.helper(node),
      make("h3", {}, "Connections"),
      this.links,
      this.more(node),
      make("p", { class: "actions" }, make("button", { type: "button", class: "bad", on: { click: () => this.on.removed(node.id) } }, "Delete this node")),
      this.run,
    );
    this.connections();
    this.mark(this.problems ?? []);
    return undefined;
  }

  name(node) {
    const input = (event) => this.model.edit(() => (this.model.node(node.id).name = event.target.value.slice(0, 200)), `name:${node.id}`);
    return make("div", { class: "field" }, make("label", { for: "wf-name" }, "Name"), make("input", { id: "wf-name", type: "text", value: node.name ?? "", maxlength: "200", on: { input } }));
  }

  form(node, facts) {
    const known = (path) => (node.kind === "tool" && path.join(".") === "config.arguments" ? this.argumentsOf(this.model.node(node.id).config.tool) : {});
    let tool = node.config?.tool;
    const told = (config) => {
      this.model.edit(() => (this.model.node(node.id).config = structuredClone(config)), `config:${node.id}`);
      // another tool takes other arguments
      if (node.kind === "tool" && config.tool !== tool && this.data.tools[config.tool]) {
        tool = config.tool;
        setTimeout(() => this.show(node.id, { force: true }));
      }
    };
    return new Form(facts.config, structuredClone(node.config ?? {}), { choices: this.data.choices, known, told }).element;
  }

  argumentsOf(tool) {
    const schema = this.data.tools[tool] ?? {};
    const required = new Set(schema.required ?? []);
    return Object.fromEntries(Object.entries(schema.properties ?? {}).map(([name, facts]) => [name, { description: facts.description, required: required.has(name) }]));
  }

  /** Values that may be put into the field that was last written in. */
  helper(node) {
    const names = [["input", "what this node is given"]];
    for (const key of Object.keys(this.model.nodes.find((one) => one.kind === "trigger")?.config?.sample ?? {})) names.push([`trigger.${key}`, "from the start of the run"]);
    for (const earlier of this.model.before(node.id)) names.push([`nodes.${earlier.id}${earlier.kind === "ai" ? ".text" : ""}`, `what ${this.model.title(earlier)} gave`]);
    names.push(["trigger", "all that the run was started with"], ["now", "the moment the run began"]);
    const select = make("select", { id: "wf-insert" }, make("option", { value: "" }, "Choose…"), ...names.map(([name, words]) => make("option", { value: name }, `${name} – ${words}`)));
    select.addEventListener("change", () => {
      const field = this.field?.isConnected ? this.field : this.place.querySelector("[data-language]");
      if (!field) return this.on.problem("Nothing here takes a value from elsewhere.");
      const text = field.dataset.language === "expression" ? select.value : `{{ ${select.value} }}`;
      field.setRangeText(text, field.selectionStart ?? field.value.length, field.selectionEnd ?? field.value.length, "end");
      field.dispatchEvent(new Event("input", { bubbles: true }));
      select.value = "";
      return field.focus();
    });
    const hint = make("p", { class: "hint" }, "Put into the field you were in. Texts hold values in ", make("code", {}, "{{ }}"), ", such as ", make("code", {}, "{{ upper(input.name) }}"), "; expressions go without.");
    return make("details", { class: "wf-help", open: Boolean(this.place.querySelector("details.wf-help[open]")) }, make("summary", {}, "Use a value from before"), make("div", { class: "field" }, make("label", { for: "wf-insert" }, "Value"), select, hint));
  }

  more(node) {
    const rename = (event) => {
      const refused = this.model.rename(node.id, event.target.value.trim());
      if (refused) {
        this.on.problem(refused);
        event.target.value = node.id;
      } else this.on.renamed(event.target.value.trim());
    };
    const setError = (event) => this.model.edit(() => (this.model.node(node.id).on_error = event.target.value));
    const setRetries = (event) => this.model.edit(() => (this.model.node(node.id).retries = Math.max(0, Math.min(10, Math.trunc(Number(event.target.value)) || 0))), `retries:${node.id}`);
    const errors = make("select", { id: "wf-on-error", on: { change: setError } }, ...ON_ERROR.map(([value, text]) => make("option", { value, selected: value === (node.on_error ?? "fail") }, text)));
    return make(
      "details",
      { class: "wf-more" },
      make("summary", {}, "When it fails, and its id"),
      make("div", { class: "field" }, make("label", { for: "wf-on-error" }, "If it fails"), errors, make("p", { class: "hint" }, "A connection by the way “error” goes before this.")),
      make("div", { class: "field" }, make("label", { for: "wf-retries" }, "Try again so often"), make("input", { id: "wf-retries", type: "number", min: "0", max: "10", value: String(node.retries ?? 0), on: { input: setRetries } })),
      make("div", { class: "field" }, make("label", { for: "wf-id" }, "Id, which expressions use"), make("input", { id: "wf-id", type: "text", value: node.id, spellcheck: "false", on: { change: rename } })),
    );
  }

  connections() {
    const node = this.id && this.model.node(this.id);
    if (!node) return;
    const title = (id) => (this.model.node(id) ? this.model.title(this.model.node(id)) : id);
    const row = (edge, words) => {
      const cut = () => (this.model.disconnect(edge), this.links.querySelector("button, select")?.focus());
      return make("li", {}, make("span", {}, words), make("button", { type: "button", class: "quiet", "aria-label": `Disconnect: ${words}`, on: { click: cut } }, "×"));
    };
    const out = this.model.edges.filter((edge) => edge.source === node.id).map((edge) => row(edge, `${edge.branch ? `${edge.branch} ` : ""}→ ${title(edge.target)}`));
    const into = this.model.edges.filter((edge) => edge.target === node.id).map((edge) => row(edge, `← ${title(edge.source)}${edge.branch ? ` (${edge.branch})` : ""}`));
    const ways = [...new Set([...this.model.ways(node), null, "error"])];
    const own = this.model.ways(node)[0] ?? null;
    const way = make("select", { "aria-label": "By which way" }, ...ways.map((one) => make("option", { value: one ?? "", selected: one === own }, one ?? (ways.length > 2 ? "always" : "next"))));
    const targets = this.model.nodes.filter((one) => one.id !== node.id && one.kind !== "trigger" && !this.model.reaches(one.id, node.id));
    const target = make("select", { "aria-label": "Leads to" }, make("option", { value: "" }, "Connect to…"), ...targets.map((one) => make("option", { value: one.id }, this.model.title(one))));
    const connect = () => {
      if (!target.value) return;
      const refused = this.model.connect(node.id, target.value, way.value || null);
      if (refused) this.on.problem(refused);
      else this.links.querySelector("select")?.focus();
    };
    target.addEventListener("change", connect);
    const next = make("button", { type: "button", on: { click: (event) => this.on.suggest(node.id, event.currentTarget) } }, "+ Add what comes next");
    this.links.replaceChildren(make("ul", {}, ...into, ...out), make("div", { class: "wf-connect" }, way, target), next);
  }

  /** Show what is wrong at the fields it is wrong at. */
  mark(problems) {
    this.problems = problems;
    for (const box of this.place.querySelectorAll("[data-path]")) {
      const own = box.querySelector(":scope > .problem");
      if (own) own.hidden = true;
      box.classList.remove("wrong");
      box.querySelector("[aria-invalid]")?.removeAttribute("aria-invalid");
    }
    for (const problem of problems.filter((one) => one.node === this.id)) {
      let path = problem.field;
      let box = null;
      while (path && !(box = this.place.querySelector(`[data-path="${CSS.escape(path)}"]`))) path = path.slice(0, Math.max(0, path.lastIndexOf(".")));
      if (!box) continue;
      const words = box.querySelector(":scope > .problem");
      words.textContent = problem.message.replace(/^'[^']*': /, "");
      words.hidden = false;
      box.classList.add("wrong");
      box.querySelector("input, select, textarea")?.setAttribute("aria-invalid", "true");
    }
  }
}
