// A form for a node's configuration, made from the JSON schema of its kind.

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") for (const [event, handler] of Object.entries(value)) element.addEventListener(event, handler);
    else if (name in element && typeof value !== "string") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export const spoken = (name) => (name.charAt(0).toUpperCase() + name.slice(1)).replaceAll("_", " ").replace(/ id(s?)$/, (_, many) => many);

const isText = (value) => typeof value === "string";
let counter = 0;

export class Form {
  /**
   * `config` is written to in place. `choices`: lists by name, each of {value, text}; `known(path)`: facts of the names
   * that a map may hold; `told(config)` is called after every change.
   */
  constructor(schema, config, { choices, told, known = () => ({}), path = ["config"], defs = schema.$defs ?? {} }) {
    Object.assign(this, { defs, choices, config, told, known });
    this.element = make("div", { class: "wf-fields" });
    this.object(this.element, schema, config, path);
  }

  resolved(schema) {
    const named = schema.$ref ? { ...this.defs[schema.$ref.split("/").pop()], ...schema } : schema;
    const options = (named.anyOf ?? []).filter((one) => one.type !== "null");
    if (!named.anyOf) return { ...named, mayBeNull: false };
    const first = this.resolved(options.find((one) => one["x-language"]) ?? options[0] ?? {});
    const types = options.map((one) => this.resolved(one).type);
    return { ...first, ...named, types, mayBeNull: options.length < named.anyOf.length, "x-language": first["x-language"] };
  }

  changed() {
    this.told(this.config);
  }

  object(place, schema, value, path) {
    const required = new Set(schema.required ?? []);
    for (const [name, raw] of Object.entries(schema.properties ?? {})) {
      place.append(this.field(this.resolved(raw), value, name, [...path, name], required.has(name)));
    }
    if (!Object.keys(schema.properties ?? {}).length) place.append(make("p", { class: "hint" }, "There is nothing to set here: its connections say it all."));
  }

  /** One labelled control that writes `holder[name]`. */
  field(schema, holder, name, path, isRequired, title = spoken(String(name))) {
    const id = `wf-field-${(counter += 1)}`;
    const set = (value) => {
      const isEmpty = value === "" || value === undefined || value === null || (Array.isArray(value) && !value.length && "default" in schema);
      if (isEmpty && !isRequired) delete holder[name];
      else holder[name] = value ?? "";
      this.changed();
    };
    const value = holder[name] ?? (schema.default === null ? undefined : schema.default);
    const describe = [`${id}-hint`, `${id}-problem`].join(" ");
    const common = { id, "aria-describedby": describe, "data-language": schema["x-language"] };
    const control = this.control(schema, value, set, common, path, { isRequired });
    const hint = make("p", { class: "hint", id: `${id}-hint` }, ...(schema.description ?? "").split("`").map((part, index) => (index % 2 ? make("code", {}, part) : part)));
    const problem = make("p", { class: "problem", id: `${id}-problem`, hidden: true });
    const mark = isRequired ? "" : make("span", { class: "optional" }, " optional");
    const isGroup = control.matches("div");
    const box = isGroup
      ? make("fieldset", { class: "field" }, make("legend", {}, title, mark), control, hint, problem)
      : schema.type === "boolean"
        ? make("div", { class: "field check" }, make("label", { for: id }, control, ` ${title}`), hint, problem)
        : make("div", { class: "field" }, make("label", { for: id }, title, mark), control, hint, problem);
    box.dataset.path = path.join(".");
    return box;
  }

  control(schema, value, set, common, path, { isRequired }) {
    const list = this.choices[schema["x-choices"]];
    const options = schema.enum ?? schema["x-options"];
    const types = schema.types ?? [schema.type];
    if (options) return this.select(options.map((one) => ({ value: one, text: spoken(String(one)) })), value, set, common, isRequired);
    if (list && types.includes("array")) return this.several(list, value ?? [], set);
    if (list && schema["x-choices"] !== "models" && schema["x-choices"] !== "tools") return this.select(list, value, set, common, isRequired);
    if (list) return this.suggested(list, value, set, common);
    if (schema["x-json"]) return this.text({ "x-rows": 6 }, value, set, common, [undefined]);
    if (schema.type === "boolean") return make("input", { ...common, type: "checkbox", checked: Boolean(value), on: { change: (event) => set(event.target.checked) } });
    if (schema.type === "array") return this.array(schema, value ?? [], set, common, path);
    if (schema.type === "object" || (types.includes("object") && value && typeof value === "object")) return this.map(schema, value ?? {}, set, path, isRequired);
    if (types.every((type) => type === "number" || type === "integer")) return this.number(schema, value, set, common);
    return this.text(schema, value, set, common, types);
  }

  select(options, value, set, common, isRequired) {
    const element = make("select", { ...common, on: { change: (event) => set(event.target.value) } });
    if (!isRequired || value === undefined || value === "") element.append(make("option", { value: "" }, isRequired ? "Choose…" : "—"));
    const known = options.some((one) => one.value === value);
    const all = known || !value ? options : [...options, { value, text: `${value} (not in the list)` }];
    for (const one of all) element.append(make("option", { value: one.value, selected: one.value === value }, one.text));
    return element;
  }

  suggested(list, value, set, common) {
    const id = `${common.id}-list`;
    const data = make("datalist", { id }, ...list.map((one) => make("option", { value: one.value }, one.text)));
    const input = make("input", { ...common, list: id, value: value ?? "", autocomplete: "off", on: { input: (event) => set(event.target.value) } });
    return make("span", {}, input, data);
  }

  several(list, value, set) {
    const chosen = new Set(value);
    const box = (one) => {
      const toggle = (event) => {
        chosen[event.target.checked ? "add" : "delete"](one.value);
        set([...chosen]);
      };
      return make("label", { class: "wf-choice" }, make("input", { type: "checkbox", checked: chosen.has(one.value), on: { change: toggle } }), ` ${one.text}`);
    };
    return make("div", { class: "wf-several" }, ...(list.length ? list.map(box) : [make("p", { class: "hint" }, "There are none yet.")]));
  }

  number(schema, value, set, common) {
    const input = (event) => set(event.target.value === "" ? undefined : Number(event.target.value));
    return make("input", { ...common, type: "number", value: value === undefined ? "" : String(value), step: schema.type === "integer" ? "1" : "any", min: schema.minimum?.toString(), max: schema.maximum?.toString(), on: { input } });
  }

  /** Text; where other things are allowed too, what reads as a number or as JSON is one. */
  text(schema, value, set, common, types) {
    const takesNumbers = types.includes("number");
    const takesAll = types.every((type) => type === undefined);
    const read = (text) => {
      if (takesNumbers && /^-?\d+(\.\d+)?$/.test(text.trim())) return Number(text);
      if (!takesAll && !types.includes("object")) return text;
      try {
        const found = JSON.parse(text);
        return takesAll || (found && typeof found === "object") ? found : text;
      } catch {
        return text;
      }
    };
    const shown = value === undefined ? "" : isText(value) ? value : JSON.stringify(value, null, 2);
    const isTall = schema["x-rows"] || takesAll || shown.includes("\n");
    const attributes = { ...common, spellcheck: "false", on: { input: (event) => set(read(event.target.value)) } };
    if (!isTall) return make("input", { ...attributes, type: "text", value: shown, class: schema["x-language"] ? "code" : null });
    const element = make("textarea", { ...attributes, rows: String(schema["x-rows"] ?? 3), class: takesAll ? "code" : null });
    element.value = shown;
    return element;
  }

  array(schema, value, set, common, path) {
    const item = this.resolved(schema.items ?? {});
    if (item.type === "string" && !item.properties) {
      const element = make("textarea", { ...common, rows: "3", placeholder: "One on each line", on: { input: (event) => set(event.target.value.split("\n").filter((line) => line.trim())) } });
      element.value = value.join("\n");
      return element;
    }
    const items = structuredClone(value);
    const rows = make("div", { class: "wf-items" });
    const draw = () => {
      rows.replaceChildren(
        ...items.map((one, index) => {
          const { choices, known, defs } = this;
          const part = new Form(item, one, { choices, known, defs, path: [...path, index], told: () => set(items) }).element;
          part.className = "wf-item";
          const remove = () => (items.splice(index, 1), set(items), draw());
          part.append(make("button", { type: "button", class: "quiet", on: { click: remove } }, `Remove ${index + 1}`));
          return part;
        }),
        make("button", { type: "button", on: { click: () => (items.push({}), set(items), draw(), rows.querySelector(".wf-item:nth-last-child(2) input, .wf-item:nth-last-child(2) textarea")?.focus()) } }, "Add one"),
      );
    };
    draw();
    return rows;
  }

  /** Names and values; values that are no text are written as JSON. */
  map(schema, value, set, path, isRequired) {
    const takesText = schema.additionalProperties?.type === "string";
    const known = this.known(path);
    let pairs = [...new Set([...Object.keys(known), ...Object.keys(value)])].map((name) => [name, value[name]]);
    const rows = make("div", { class: "wf-map" });
    const read = (text) => {
      if (takesText) return text;
      try {
        return JSON.parse(text);
      } catch {
        return text;
      }
    };
    const tell = () => {
      const filled = pairs.filter(([name, item]) => name && item !== undefined);
      set(filled.length || isRequired ? Object.fromEntries(filled) : undefined);
    };
    const draw = () => {
      rows.replaceChildren(
        ...pairs.map(([name, item], index) => {
          const facts = known[name];
          const shown = item === undefined ? "" : isText(item) ? item : JSON.stringify(item);
          const write = (event) => ((pairs[index][1] = event.target.value === "" && facts ? undefined : read(event.target.value)), tell());
          const label = make("input", { type: "text", value: name, "aria-label": `Name ${index + 1}`, placeholder: "name", readOnly: Boolean(facts), title: facts?.description ?? null, on: { input: (event) => ((pairs[index][0] = event.target.value.trim()), tell()) } });
          const text = make("textarea", { rows: "1", "aria-label": `Value of ${name || index + 1}`, placeholder: facts ? (facts.required ? "needed" : "optional") : "value", spellcheck: "false", "data-language": "template", on: { input: write } });
          text.value = shown;
          const remove = () => ((pairs = pairs.filter((_, at) => at !== index)), tell(), draw());
          const button = facts ? null : make("button", { type: "button", class: "quiet", "aria-label": `Remove ${name || index + 1}`, on: { click: remove } }, "×");
          return make("div", { class: "wf-pair" }, label, text, button);
        }),
        make("button", { type: "button", on: { click: () => (pairs.push(["", ""]), draw(), rows.querySelector(".wf-pair:nth-last-child(2) input")?.focus()) } }, "Add one"),
      );
    };
    draw();
    return rows;
  }
}
