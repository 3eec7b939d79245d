// The graph that is being edited: nodes and edges as the API has them, with undo. No DOM in here.

export const WIDTH = 270;
export const HEIGHT = 130;
const MOST_STEPS = 100;
const MERGE_MS = 1200;

export class Model extends EventTarget {
  constructor(graph, kinds) {
    super();
    this.kinds = kinds;
    this.nodes = structuredClone(graph.nodes);
    this.edges = structuredClone(graph.edges);
    this.branches = {};
    this.undone = [];
    this.done = [];
    this.last = { key: null, at: 0 };
    if (this.nodes.some((node) => !node.position)) this.arrange();
    this.saved = this.text();
  }

  text() {
    return JSON.stringify({ nodes: this.nodes, edges: this.edges });
  }

  get isDirty() {
    return this.text() !== this.saved;
  }

  node(id) {
    return this.nodes.find((node) => node.id === id);
  }

  facts(node) {
    return this.kinds.get(node.kind) ?? { kind: node.kind, title: node.kind, summary: "", category: "flow", branches: [], config: { properties: {} }, fresh: {} };
  }

  title(node) {
    return node.name || this.facts(node).title;
  }

  /** Run a change; changes under the same key in quick succession are one step of undo. */
  edit(change, key = null) {
    const before = this.text();
    change();
    if (this.text() === before) return;
    const merges = key !== null && key === this.last.key && Date.now() - this.last.at < MERGE_MS;
    if (!merges) {
      this.done.push(before);
      if (this.done.length > MOST_STEPS) this.done.shift();
    }
    this.last = { key, at: Date.now() };
    this.undone = [];
    this.tell();
  }

  tell() {
    this.dispatchEvent(new Event("change"));
  }

  replace(text) {
    ({ nodes: this.nodes, edges: this.edges } = JSON.parse(text));
    this.last = { key: null, at: 0 };
    this.tell();
  }

  undo() {
    if (!this.done.length) return false;
    this.undone.push(this.text());
    this.replace(this.done.pop());
    return true;
  }

  redo() {
    if (!this.undone.length) return false;
    this.done.push(this.text());
    this.replace(this.undone.pop());
    return true;
  }

  freeId(base) {
    const taken = new Set(this.nodes.map((node) => node.id));
    const stem = base.toLowerCase().replace(/[^a-z0-9_-]+/g, "_").replace(/^[^a-z_]+/, "").slice(0, 50) || "node";
    for (let number = 1; ; number += 1) {
      const id = number === 1 ? stem : `${stem}_${number}`;
      if (!taken.has(id)) return id;
    }
  }

  /** Add a node; after another one it is connected and stands to the right of it. */
  add(kind, { after = null, branch = null, position = null } = {}) {
    const facts = this.kinds.get(kind);
    const id = this.freeId(kind === "trigger" ? "start" : kind === "output" ? "result" : kind);
    this.edit(() => {
      const same = this.nodes.filter((node) => node.kind === kind).length;
      const node = { id, kind, name: same ? `${facts.title} ${same + 1}` : facts.title, config: structuredClone(facts.fresh) };
      node.position = position ?? this.freePlace(after && this.node(after));
      this.nodes.push(node);
      if (after) this.edges.push(branch ? { source: after, target: id, branch } : { source: after, target: id });
    });
    return id;
  }

  freePlace(after) {
    const right = Math.max(40, ...this.nodes.map((node) => node.position.x + WIDTH));
    const place = after ? { x: after.position.x + WIDTH, y: after.position.y } : { x: this.nodes.length ? right : 40, y: 60 };
    const isTaken = () => this.nodes.some((node) => Math.abs(node.position.x - place.x) < 200 && Math.abs(node.position.y - place.y) < 100);
    while (isTaken()) place.y += HEIGHT;
    return place;
  }

  remove(id) {
    this.edit(() => {
      this.nodes = this.nodes.filter((node) => node.id !== id);
      this.edges = this.edges.filter((edge) => edge.source !== id && edge.target !== id);
    });
  }

  /** Returns words when the two cannot be connected. */
  connect(source, target, branch = null) {
    if (source === target) return "A node cannot lead to itself; use a loop node to repeat.";
    if (this.node(target)?.kind === "trigger") return "Nothing may lead to the trigger.";
    if (this.reaches(target, source)) return "That would lead in a circle; use a loop node to repeat.";
    const same = (edge) => edge.source === source && edge.target === target && (edge.branch ?? null) === (branch || null);
    if (this.edges.some(same)) return "They are connected already.";
    this.edit(() => this.edges.push(branch ? { source, target, branch } : { source, target }));
    return null;
  }

  disconnect(wanted) {
    const same = (edge) => edge.source === wanted.source && edge.target === wanted.target && (edge.branch ?? null) === (wanted.branch ?? null);
    this.edit(() => (this.edges = this.edges.filter((edge) => !same(edge))));
  }

  reaches(from, to) {
    const waiting = [from];
    const seen = new Set();
    while (waiting.length) {
      const id = waiting.pop();
      if (id === to) return true;
      if (seen.has(id)) continue;
      seen.add(id);
      for (const edge of this.edges) if (edge.source === id) waiting.push(edge.target);
    }
    return false;
  }

  /** Everything that runs before a node. */
  before(id) {
    return this.nodes.filter((node) => node.id !== id && this.reaches(node.id, id));
  }

  /** Another id, in edges and in the expressions that name it. */
  rename(id, wanted) {
    if (wanted === id) return null;
    if (!/^[A-Za-z_][A-Za-z0-9_-]{0,63}$/.test(wanted)) return "Letters, digits, '_' and '-'; the first is a letter or '_'.";
    if (this.node(wanted)) return "Another node has this id.";
    this.edit(() => {
      const named = new RegExp(`\\bnodes\\.${id}\\b`, "g");
      const renewed = (value) => {
        if (typeof value === "string") return value.replace(named, `nodes.${wanted}`);
        if (Array.isArray(value)) return value.map(renewed);
        if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, renewed(item)]));
        return value;
      };
      for (const node of this.nodes) node.config = renewed(node.config ?? {});
      this.node(id).id = wanted;
      for (const edge of this.edges) {
        if (edge.source === id) edge.source = wanted;
        if (edge.target === id) edge.target = wanted;
      }
    });
    return null;
  }

  /** The ways on from a node: null is the plain one. */
  ways(node) {
    const own = this.branches[node.id] ?? this.facts(node).branches;
    const used = this.edges.filter((edge) => edge.source === node.id).map((edge) => edge.branch ?? null);
    const ways = own.length ? [...own] : [null];
    if (node.kind === "output" && !used.length) return [];
    for (const branch of used) if (!ways.includes(branch)) ways.push(branch);
    return ways;
  }

  /** Nodes in an order in which each follows those that lead to it. */
  order() {
    const waiting = new Map(this.nodes.map((node) => [node.id, 0]));
    for (const edge of this.edges) if (waiting.has(edge.target) && waiting.has(edge.source)) waiting.set(edge.target, waiting.get(edge.target) + 1);
    const ready = this.nodes.filter((node) => !waiting.get(node.id)).map((node) => node.id);
    const order = [];
    while (ready.length) {
      const id = ready.shift();
      order.push(id);
      for (const edge of this.edges.filter((one) => one.source === id && waiting.has(one.target))) {
        waiting.set(edge.target, waiting.get(edge.target) - 1);
        if (!waiting.get(edge.target)) ready.push(edge.target);
      }
    }
    const rest = this.nodes.filter((node) => !order.includes(node.id)).map((node) => node.id);
    return [...order, ...rest].map((id) => this.node(id));
  }

  /** How much room a node takes from top to bottom: one with many ways on has many ports. */
  tall(node) {
    return Math.max(90, this.ways(node).length * 23 + 30) + 40;
  }

  /** Columns by distance from the start; in each column near those that lead there. */
  arrange() {
    const column = new Map();
    const columns = [];
    for (const node of this.order()) {
      const from = this.edges.filter((edge) => edge.target === node.id && column.has(edge.source)).map((edge) => edge.source);
      const at = from.length ? Math.max(...from.map((id) => column.get(id))) + 1 : 0;
      column.set(node.id, at);
      (columns[at] ??= []).push({ node, from });
    }
    columns.forEach((found, x) => {
      let free = 60;
      const wish = ({ from }) => (from.length ? from.reduce((sum, id) => sum + this.node(id).position.y, 0) / from.length : 0);
      for (const entry of found.map((one) => ({ ...one, wish: wish(one) })).sort((one, other) => one.wish - other.wish)) {
        const y = Math.max(free, Math.round(entry.wish));
        entry.node.position = { x: 40 + x * WIDTH, y };
        free = y + this.tall(entry.node);
      }
    });
  }
}
