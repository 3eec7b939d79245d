// The drawing of a graph, by Drawflow: shows a Model, and tells what the mouse did to it. It changes nothing itself.

const GLYPHS = { start: "▶", ai: "✦", action: "⚙", data: "▤", flow: "⇄", people: "☺" };

export class Canvas {
  /** `on`: select(id), move(id, x, y), connect(source, target, branch), cut(edge), suggest(id, button). */
  constructor(place, model, on) {
    this.place = place;
    this.model = model;
    this.on = on;
    this.shape = "";
    this.selected = null;
    this.problems = new Map();
    this.states = new Map();
    this.heights = new Map();
    const drawing = new window.Drawflow(place);
    this.drawing = drawing;
    drawing.zoom_min = 0.2;
    drawing.start();
    place.removeAttribute("tabindex");
    // Drawflow's own record of a moved node is a step ahead of where it stands
    drawing.on("nodeMoved", (id) => on.move(id, this.element(id).offsetLeft, this.element(id).offsetTop));
    drawing.on("nodeSelected", (id) => on.select(id));
    drawing.on("connectionCreated", (made) => {
      const branch = this.wayOf(made.output_id, made.output_class);
      // the model decides; the drawing follows after Drawflow has let go of the mouse
      queueMicrotask(() => {
        on.connect(made.output_id, made.input_id, branch);
        this.shape = "";
        this.show();
      });
    });
    drawing.on("connectionSelected", (found) => {
      this.cut = { source: found.output_id, target: found.input_id, branch: this.wayOf(found.output_id, found.output_class) };
      on.cutting(this.cut);
    });
    // Drawflow would delete by itself, and would put its own menu in the place of the browser's
    place.addEventListener("keydown", (event) => event.stopPropagation(), { capture: false });
    place.addEventListener("contextmenu", (event) => event.stopImmediatePropagation(), true);
    place.addEventListener("keydown", (event) => this.key(event), true);
    place.addEventListener("click", (event) => {
      const plus = event.target.closest("[data-after]");
      if (plus) on.suggest(plus.dataset.after, plus);
    });
  }

  key(event) {
    if (event.key === "Delete" || event.key === "Backspace") event.stopImmediatePropagation();
    const face = event.target.closest(".wf-face");
    if (face) this.on.key(event, face.dataset.node);
    else if (event.key === "Delete" && this.cut) this.on.cut(this.cut);
  }

  wayOf(id, outputClass) {
    return this.model.ways(this.model.node(id))[Number(outputClass.slice(7)) - 1] ?? null;
  }

  show() {
    const ways = new Map(this.model.nodes.map((node) => [node.id, this.model.ways(node)]));
    const shape = JSON.stringify([this.model.nodes.map((node) => [node.id, node.kind, node.position]), this.model.edges, [...ways]]);
    if (shape !== this.shape) {
      this.shape = shape;
      this.cut = null;
      this.draw(ways);
    }
    for (const node of this.model.nodes) this.face(node);
    for (const node of this.model.nodes) {
      // a line more in a node moves its ports
      const { offsetHeight } = this.element(node.id);
      if (this.heights.get(node.id) === offsetHeight) continue;
      this.heights.set(node.id, offsetHeight);
      this.drawing.updateConnectionNodes(`node-${node.id}`);
    }
  }

  draw(ways) {
    const focused = document.activeElement?.dataset?.node;
    const data = {};
    for (const node of this.model.nodes) {
      const outputs = Object.fromEntries(ways.get(node.id).map((_, index) => [`output_${index + 1}`, { connections: [] }]));
      const inputs = node.kind === "trigger" ? {} : { input_1: { connections: [] } };
      const { x, y } = node.position;
      data[node.id] = { id: node.id, name: node.kind, data: {}, class: `cat-${this.model.facts(node).category}`, html: "", typenode: false, inputs, outputs, pos_x: x, pos_y: y };
    }
    for (const edge of this.model.edges) {
      const index = ways.get(edge.source)?.indexOf(edge.branch ?? null);
      const to = data[edge.target]?.inputs.input_1;
      if (index === undefined || index < 0 || !to) continue;
      const output = `output_${index + 1}`;
      data[edge.source].outputs[output].connections.push({ node: edge.target, output: "input_1" });
      to.connections.push({ node: edge.source, input: output });
    }
    this.drawing.node_selected = null;
    this.drawing.connection_selected = null;
    this.drawing.import({ drawflow: { Home: { data } } }, false);
    for (const node of this.model.nodes) this.build(node, ways.get(node.id));
    this.heights.clear();
    if (focused) this.faceOf(focused)?.focus({ preventScroll: true });
  }

  element(id) {
    return this.place.querySelector(`#node-${CSS.escape(id)}`);
  }

  faceOf(id) {
    return this.element(id)?.querySelector(".wf-face");
  }

  build(node, ways) {
    const face = document.createElement("button");
    face.type = "button";
    face.className = "wf-face";
    face.dataset.node = node.id;
    for (const part of ["glyph", "name", "kind", "state"]) {
      const made = document.createElement("span");
      made.className = `wf-${part}`;
      face.append(made);
    }
    face.addEventListener("focus", () => this.on.select(node.id));
    const content = this.element(node.id).querySelector(".drawflow_content_node");
    content.append(face);
    if (node.kind !== "output") {
      const plus = document.createElement("button");
      plus.type = "button";
      plus.className = "wf-plus";
      plus.dataset.after = node.id;
      plus.textContent = "+";
      plus.setAttribute("aria-label", `Add a node after ${this.model.title(node)}`);
      content.append(plus);
    }
    this.element(node.id).querySelectorAll(".output").forEach((port, index) => {
      if (ways.length > 1 || ways[index] !== null) port.dataset.branch = ways[index] ?? "always";
      if (ways[index] === "error") port.classList.add("of-error");
    });
  }

  face(node) {
    const element = this.element(node.id);
    const face = element.querySelector(".wf-face");
    const facts = this.model.facts(node);
    const problems = this.problems.get(node.id) ?? 0;
    const state = this.states.get(node.id);
    const put = (part, text) => {
      const found = face.querySelector(`.wf-${part}`);
      if (found.textContent !== text) found.textContent = text;
    };
    put("glyph", GLYPHS[facts.category] ?? "•");
    put("name", this.model.title(node));
    put("kind", facts.title);
    put("state", problems ? `${problems} to mend` : (state?.words ?? ""));
    element.classList.toggle("has-problem", problems > 0);
    element.classList.toggle("selected", node.id === this.selected);
    element.dataset.state = state?.state ?? "";
    const leads = this.model.edges.filter((edge) => edge.source === node.id).map((edge) => (edge.branch ? `${edge.branch}: ` : "") + this.model.title(this.model.node(edge.target) ?? { name: edge.target }));
    const words = [`${this.model.title(node)}, ${facts.title}`, problems ? `${problems} to mend` : "", state?.words ?? "", leads.length ? `leads to ${leads.join(", ")}` : "leads nowhere"];
    face.setAttribute("aria-label", words.filter(Boolean).join("; "));
    face.setAttribute("aria-pressed", String(node.id === this.selected));
    if (problems) face.title = "Something here has to be mended before it can be saved";
    else face.removeAttribute("title");
  }

  /** Place of the graph under a point of the screen. */
  at(clientX, clientY) {
    const box = this.drawing.precanvas.getBoundingClientRect();
    return { x: Math.round((clientX - box.x) / this.drawing.zoom - 90), y: Math.round((clientY - box.y) / this.drawing.zoom - 30) };
  }

  look(x, y, zoom) {
    Object.assign(this.drawing, { canvas_x: x, canvas_y: y, zoom, zoom_last_value: zoom });
    this.drawing.precanvas.style.transform = `translate(${x}px, ${y}px) scale(${zoom})`;
    this.place.style.backgroundPosition = `${x}px ${y}px`;
  }

  /** Show all of it, but never smaller than asked for: then it begins at its start. */
  fit(least = 0.25) {
    if (!this.model.nodes.length || !this.place.clientWidth) return this.look(0, 0, 1);
    const boxes = this.model.nodes.map((node) => ({ ...node.position, element: this.element(node.id) }));
    const left = Math.min(...boxes.map((box) => box.x)) - 40;
    const top = Math.min(...boxes.map((box) => box.y)) - 40;
    const width = Math.max(...boxes.map((box) => box.x + (box.element?.offsetWidth ?? 200))) + 90 - left;
    const height = Math.max(...boxes.map((box) => box.y + (box.element?.offsetHeight ?? 70))) + 40 - top;
    const zoom = Math.max(least, Math.min(1, this.place.clientWidth / width, this.place.clientHeight / height));
    const x = Math.max(0, (this.place.clientWidth - width * zoom) / 2) - left * zoom;
    const y = Math.max(0, (this.place.clientHeight - height * zoom) / 3) - top * zoom;
    return this.look(x, y, zoom);
  }

  zoomBy(step) {
    if (step > 0) this.drawing.zoom_in();
    else this.drawing.zoom_out();
  }

  /** Bring a node into view. */
  reveal(id) {
    const element = this.element(id);
    if (!element || !this.place.clientWidth) return;
    const node = element.getBoundingClientRect();
    const view = this.place.getBoundingClientRect();
    const dx = node.right > view.right ? view.right - node.right - 60 : node.left < view.left ? view.left - node.left + 20 : 0;
    const dy = node.bottom > view.bottom ? view.bottom - node.bottom - 40 : node.top < view.top ? view.top - node.top + 20 : 0;
    if (dx || dy) this.look(this.drawing.canvas_x + dx, this.drawing.canvas_y + dy, this.drawing.zoom);
  }
}
