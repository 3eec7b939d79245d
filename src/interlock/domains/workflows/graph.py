"""From nodes and edges to a plan that can be walked, or to a list of everything that is wrong with them. Pure."""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from interlock.domains.workflows.manifest import Manifest, NodeConfig
from interlock.domains.workflows.views import ERROR_BRANCH, Edge, Node, Problem

LOOP = "loop"
ITEM_BRANCH = "item"
OUTPUT = "output"
TRIGGER = "trigger"
_MOST_PROBLEMS = 200


@dataclass(frozen=True, slots=True)
class PlannedNode:
    """A node with its configuration read and its neighbours known."""

    node: Node
    config: NodeConfig
    manifest: Manifest
    outgoing: tuple[Edge, ...]
    incoming: tuple[Edge, ...]
    loop: str | None

    @property
    def is_pure(self) -> bool:
        """Whether it only computes; a loop is as pure as what it repeats."""
        return self.manifest.pure and self.node.kind != LOOP


@dataclass(frozen=True, slots=True)
class Plan:
    """A graph that has no problems.

    Args:
        nodes: in an order in which every node follows those it reads from.
        entries: of each region, the nodes nothing leads to. Region None is the workflow, the others bodies of loops.
        regions: the nodes of each region, in order.
    """

    nodes: Mapping[str, PlannedNode]
    entries: Mapping[str | None, tuple[str, ...]]
    regions: Mapping[str | None, tuple[str, ...]]

    def downstream(self, start: str) -> frozenset[str]:
        """A node, everything that reads from it, and the bodies of the loops among them."""
        found = {start}
        queue = deque([start])
        while queue:
            for edge in self.nodes[queue.popleft()].outgoing:
                if edge.target not in found:
                    found.add(edge.target)
                    queue.append(edge.target)
        return frozenset(found)


def check(nodes: Sequence[Node], edges: Sequence[Edge], kinds: Mapping[str, Manifest]) -> tuple[Problem, ...]:
    """Everything that is wrong with a graph, in the order of its nodes."""
    return _compiled(nodes, edges, kinds)[1]


def compiled(nodes: Sequence[Node], edges: Sequence[Edge], kinds: Mapping[str, Manifest]) -> Plan:
    """The plan of a graph that was checked.

    Raises:
        ValueError: it has problems.
    """
    plan, problems = _compiled(nodes, edges, kinds)
    if plan is None:
        raise ValueError(f"the graph has problems: {problems[0].message}")
    return plan


def _compiled(
    nodes: Sequence[Node], edges: Sequence[Edge], kinds: Mapping[str, Manifest]
) -> tuple[Plan | None, tuple[Problem, ...]]:
    problems: list[Problem] = []
    configs = _configs(nodes, kinds, problems)
    outgoing, incoming = _neighbours(nodes, edges, configs, kinds, problems)
    if problems:
        return None, tuple(problems[:_MOST_PROBLEMS])
    order = _ordered(nodes, outgoing, incoming)
    if len(order) < len(nodes):
        done = set(order)
        stuck = [node.id for node in nodes if node.id not in done]
        return None, (_cycle(stuck, outgoing),)
    loops = _loops(order, {node.id: node.kind for node in nodes}, outgoing, incoming, problems)
    if problems:
        return None, tuple(problems[:_MOST_PROBLEMS])
    by_id = {node.id: node for node in nodes}
    planned = {
        key: PlannedNode(
            node=by_id[key],
            config=configs[key],
            manifest=kinds[by_id[key].kind],
            outgoing=tuple(outgoing[key]),
            incoming=tuple(incoming[key]),
            loop=loops[key],
        )
        for key in order
    }
    return _plan(planned), ()


def branches_of(nodes: Iterable[Node], kinds: Mapping[str, Manifest]) -> dict[str, tuple[str, ...]]:
    """By node, the branches that edges may leave it by; nodes whose configuration cannot be read are left out."""
    configs = _configs(nodes, kinds, [])
    kind_of = {node.id: node.kind for node in nodes}
    return {
        key: tuple({**dict.fromkeys(kinds[kind_of[key]].branches), **dict.fromkeys(config.branches())})
        for key, config in configs.items()
    }


def _plan(planned: dict[str, PlannedNode]) -> Plan:
    regions: dict[str | None, list[str]] = defaultdict(list)
    entries: dict[str | None, list[str]] = defaultdict(list)
    for key, node in planned.items():
        regions[node.loop].append(key)
        if all(edge.source == node.loop for edge in node.incoming):
            entries[node.loop].append(key)
    return Plan(
        nodes=planned,
        entries={region: tuple(keys) for region, keys in entries.items()},
        regions={region: tuple(keys) for region, keys in regions.items()},
    )


def _configs(nodes: Iterable[Node], kinds: Mapping[str, Manifest], problems: list[Problem]) -> dict[str, NodeConfig]:
    """The configurations, read by the kinds' own rules."""
    found: dict[str, NodeConfig] = {}
    triggers = [node.id for node in nodes if node.kind == TRIGGER]
    problems += [
        Problem(node=extra, field="kind", message=f"There is a trigger already: '{triggers[0]}'.")
        for extra in triggers[1:]
    ]
    seen: set[str] = set()
    for node in nodes:
        if node.id in seen:
            problems.append(Problem(node=node.id, field="id", message="Another node has the same id."))
        seen.add(node.id)
        manifest = kinds.get(node.kind)
        if manifest is None:
            known = ", ".join(sorted(kinds))
            problems.append(
                Problem(node=node.id, field="kind", message=f"There is no kind '{node.kind}'. Known: {known}.")
            )
            continue
        try:
            found[node.id] = manifest.config.model_validate(node.config)
        except ValidationError as error:
            problems += [_config_problem(node.id, detail) for detail in error.errors()]
    return found


def _config_problem(node: str, detail: Any) -> Problem:
    place = ".".join(str(part) for part in ("config", *detail["loc"]))
    words = "This is needed" if detail["type"] == "missing" else detail["msg"]
    return Problem(node=node, field=place, message=f"'{place}': {words}.")


def _neighbours(
    nodes: Iterable[Node],
    edges: Iterable[Edge],
    configs: Mapping[str, NodeConfig],
    kinds: Mapping[str, Manifest],
    problems: list[Problem],
) -> tuple[dict[str, list[Edge]], dict[str, list[Edge]]]:
    """Edges by source and by target; those that lead nowhere, or leave by a branch that is not there, are problems."""
    by_id = {node.id: node for node in nodes}
    outgoing: dict[str, list[Edge]] = {key: [] for key in by_id}
    incoming: dict[str, list[Edge]] = {key: [] for key in by_id}
    seen: set[tuple[str, str, str | None]] = set()
    for index, edge in enumerate(edges):
        missing = [end for end in (edge.source, edge.target) if end not in by_id]
        problems += [
            Problem(node=None, field=f"edges[{index}]", message=f"There is no node '{end}'.") for end in missing
        ]
        key = (edge.source, edge.target, edge.branch)
        if missing or key in seen:
            continue
        seen.add(key)
        if by_id[edge.target].kind == TRIGGER:
            problems.append(
                Problem(node=edge.target, field=f"edges[{index}]", message="Nothing may lead to a trigger.")
            )
        if edge.branch is not None and edge.source in configs:
            known = {*kinds[by_id[edge.source].kind].branches, *configs[edge.source].branches(), ERROR_BRANCH}
            if edge.branch not in known:
                words = f"It has no branch '{edge.branch}'. Known: {', '.join(sorted(known))}."
                problems.append(Problem(node=edge.source, field=f"edges[{index}].branch", message=words))
        outgoing[edge.source].append(edge)
        incoming[edge.target].append(edge)
    return outgoing, incoming


def _ordered(
    nodes: Iterable[Node], outgoing: Mapping[str, Sequence[Edge]], incoming: Mapping[str, Sequence[Edge]]
) -> list[str]:
    """The nodes that can be put in order (Kahn 1962): all of them unless there is a cycle."""
    waiting = {key: len(found) for key, found in incoming.items()}
    ready = deque(node.id for node in nodes if not waiting[node.id])
    order: list[str] = []
    while ready:
        key = ready.popleft()
        order.append(key)
        for edge in outgoing[key]:
            waiting[edge.target] -= 1
            if not waiting[edge.target]:
                ready.append(edge.target)
    return order


def _cycle(stuck: Sequence[str], outgoing: Mapping[str, Sequence[Edge]]) -> Problem:
    """One cycle among nodes that could not be put in order, named node by node."""
    inside = set(stuck)
    # Walk backwards: every stuck node has a stuck node before it, not always one behind it.
    before = {edge.target: key for key in stuck for edge in outgoing[key] if edge.target in inside}
    path: list[str] = []
    at = stuck[0]
    seen: dict[str, int] = {}
    while at not in seen:
        seen[at] = len(path)
        path.append(at)
        at = before[at]
    cycle = [*path[seen[at] :], at][::-1]
    shown = " -> ".join(cycle[:12]) + (" -> …" if len(cycle) > 12 else "")
    words = f"These nodes lead in a circle: {shown}. Use a loop node to repeat."
    return Problem(node=cycle[0], field="edges", message=words)


def _loops(
    order: Sequence[str],
    kind_of: Mapping[str, str],
    outgoing: Mapping[str, Sequence[Edge]],
    incoming: Mapping[str, Sequence[Edge]],
    problems: list[Problem],
) -> dict[str, str | None]:
    """The loop whose body each node belongs to: what can be reached by its `item` branch, and by nothing else."""
    inner: dict[str, str | None] = {}
    for key in order:
        owners = {
            edge.source if kind_of[edge.source] == LOOP and edge.branch == ITEM_BRANCH else inner[edge.source]
            for edge in incoming[key]
        }
        if len(owners) > 1:
            names = ", ".join(sorted(f"the body of '{owner}'" if owner else "outside" for owner in owners))
            words = f"It is reached from different sides of a loop ({names}); leave a loop by its 'done' branch."
            problems.append(Problem(node=key, field="edges", message=words))
        inner[key] = min(owners, key=str) if owners else None
        if kind_of[key] == OUTPUT and inner[key] is not None:
            words = "An output cannot stand inside a loop; put it behind the loop's 'done' branch."
            problems.append(Problem(node=key, field="kind", message=words))
    for key in order:
        if kind_of[key] == LOOP and not any(edge.branch == ITEM_BRANCH for edge in outgoing[key]):
            words = "Nothing is repeated: connect its 'item' branch."
            problems.append(Problem(node=key, field="edges", message=words))
    return inner
