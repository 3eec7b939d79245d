"""From a read n8n file to nodes and edges of ours: every node mapped by its type, wires bent to our rules."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from interlock.domains.workflows.manifest import Manifest
from interlock.domains.workflows.n8n import actions, flow
from interlock.domains.workflows.n8n.expressions import Reader
from interlock.domains.workflows.n8n.shapes import APPROVED, Made, Site, by_hand
from interlock.domains.workflows.n8n.source import Source, SourceNode, Wire
from interlock.domains.workflows.n8n.states import ImportOutcome
from interlock.domains.workflows.n8n.views import ImportedNode
from interlock.domains.workflows.states import OnError
from interlock.domains.workflows.views import ERROR_BRANCH, Edge, Node, Place
from interlock.kit.ids import WorkflowId

LOOP, ITEM, OUTPUT, TRIGGER = "loop", "item", "output", "trigger"
_MAPPERS: dict[str, Callable[[Site], Made]] = {
    "agent": actions.agent,
    "chainLlm": actions.agent,
    "code": actions.code,
    "emailSend": actions.mail,
    "executeWorkflow": flow.subworkflow,
    "filter": flow.choose,
    "function": actions.code,
    "functionItem": actions.code,
    "gmail": actions.mail,
    "httpRequest": actions.http,
    "hubspot": actions.hubspot,
    "if": flow.choose,
    "itemLists": actions.split_out,
    "merge": flow.join,
    "noOp": actions.pass_on,
    "openAi": actions.openai,
    "respondToWebhook": flow.answer,
    "set": actions.set_fields,
    "slack": actions.slack,
    "splitInBatches": flow.loop,
    "splitOut": actions.split_out,
    "start": flow.trigger,
    "stripe": actions.stripe,
    "switch": flow.switch,
    "textClassifier": actions.classify,
    "wait": flow.wait,
    "webhook": flow.trigger,
    "cron": flow.trigger,
    "interval": flow.trigger,
}
_TYPES_BEGINNING = ("n8n-nodes-base.", "@n8n/n8n-nodes-langchain.")
# What passes on what it is given, so that behind it a webhook's item is still a whole request.
_PASSING = frozenset({"if", "switch", "filter", "noOp", "wait"})
_LEFT_OUT = {"stickyNote": "A note has no place in a graph."}
_DOUBLE = frozenset({"merge", "httpRequest"})
"""What becomes two nodes of ours: their work, and what n8n makes of it."""
_LONGEST_ID = 50


@dataclass(frozen=True, slots=True)
class Converted:
    """What came of a file.

    Args:
        reports: of every n8n node, in the file's order.
        remarks: about the workflow as a whole.
    """

    nodes: list[Node]
    edges: list[Edge]
    reports: list[ImportedNode]
    remarks: list[str]


@dataclass(slots=True)
class _Draft:
    """A mapped node on its way into the graph."""

    source: SourceNode
    made: Made
    entry: str
    leaving: str
    notes: list[str]


def convert(source: Source, kinds: Mapping[str, Manifest], subworkflows: Mapping[str, WorkflowId]) -> Converted:
    """Map a file; what has no counterpart is a human gate, and the report says so."""
    used_by = {wire.source for wire in source.wires if wire.sort != "main"}
    feeders = used_by - {wire.source for wire in source.wires if wire.sort == "main"}
    entries, leaving = _ids(source)
    requests = _requests(source)
    drafts: dict[str, _Draft] = {}
    left_out: dict[str, str] = {}
    for name, node in source.nodes.items():
        if node.short in _LEFT_OUT or name in feeders:
            left_out[name] = _LEFT_OUT.get(node.short, "Its parent uses it.")
            continue
        site = Site(node, _reader(source, node, leaving, requests), source, subworkflows)
        drafts[name] = _mapped(site, entries[name], leaving[name], kinds)
    _one_trigger(drafts)
    edges = _without_circles(_edges(source, drafts), drafts)
    _mend_loops(edges, drafts)
    _note_meetings(edges, drafts)
    reports = []
    for name, node in source.nodes.items():
        if name in left_out:
            reports.append(_report(node, None, ImportOutcome.LEFT_OUT, [left_out[name]]))
        else:
            reports.append(_report(node, drafts[name], drafts[name].made.outcome, drafts[name].notes))
    by_entry: dict[str, _Draft] = {}
    for draft in drafts.values():
        by_entry.setdefault(draft.entry, draft)
    nodes = [node for draft in by_entry.values() for node in _nodes(draft)]
    return Converted(nodes, edges, reports, list(source.odd))


def _requests(source: Source) -> frozenset[str]:
    """The nodes whose item is a whole request, as n8n's webhooks give it; ours give its body only."""
    before: dict[str, set[str]] = defaultdict(set)
    for wire in source.wires:
        if wire.sort == "main":
            before[wire.target].add(wire.source)
    found = {name for name, node in source.nodes.items() if node.short == "webhook"}
    passing = {name for name, node in source.nodes.items() if node.disabled or node.short in _PASSING}
    grew = bool(found)
    while grew:
        more = {name for name in passing - found if before[name] and before[name] <= found}
        found |= more
        grew = bool(more)
    return frozenset(found)


def _reader(source: Source, node: SourceNode, leaving: Mapping[str, str], requests: frozenset[str]) -> Reader:
    """The reader of one node's expressions."""
    before = {wire.source for wire in source.wires if wire.target == node.name and wire.sort == "main"}
    return Reader(leaving, requests, reads_webhook=bool(before) and before <= requests)


def _note_meetings(edges: Iterable[Edge], drafts: Mapping[str, _Draft]) -> None:
    """Say where several nodes meet without a join: n8n would run what follows once for each."""
    sources: dict[str, set[str]] = defaultdict(set)
    for edge in edges:
        sources[edge.target].add(edge.source)
    for draft in drafts.values():
        if len(sources[draft.entry]) > 1 and draft.made.then is None:
            draft.notes.append("Several nodes lead to it: it waits for all that run, and reads their outputs by node.")


def _ids(source: Source) -> tuple[dict[str, str], dict[str, str]]:
    """Of every node name the id in our graph, and the id under which its output is found."""
    entries: dict[str, str] = {}
    leaving: dict[str, str] = {}
    taken: set[str] = set()
    first_trigger: str | None = None
    for name, node in source.nodes.items():
        plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:_LONGEST_ID] or "node"
        stem = plain if plain[0].isalpha() else f"n_{plain}"
        identity, number = stem, 2
        while identity in taken or f"{identity}_in" in taken:
            identity, number = f"{stem}_{number}", number + 1
        taken |= {identity, f"{identity}_in"}
        leaving[name] = identity
        if _begins(node):
            leaving[name] = identity if first_trigger is None else first_trigger
            first_trigger = leaving[name]
        entries[name] = f"{identity}_in" if node.short in _DOUBLE and not node.disabled else leaving[name]
    return entries, leaving


def _begins(node: SourceNode) -> bool:
    """Whether a node begins the workflow."""
    is_known = node.short.endswith("Trigger") or _MAPPERS.get(node.short) is flow.trigger
    return is_known and not node.disabled and node.type.startswith(_TYPES_BEGINNING)


def _mapped(site: Site, entry: str, leaving: str, kinds: Mapping[str, Manifest]) -> _Draft:
    """One node; settings that our kind of node refuses make it a placeholder."""
    made = _made(site)
    for kind, config in ((made.kind, made.config), *([made.then] if made.then else [])):
        try:
            kinds[kind].config.model_validate(config)
        except ValidationError as error:
            details = error.errors()[0]
            place = ".".join(str(part) for part in details["loc"]) or kind
            branches = tuple(APPROVED for _ in made.branches)
            made = by_hand(site, f"Its settings do not fit ('{place}': {details['msg']}).", branches=branches)
            break
    if site.reader.lost:
        site.notes.append(f"Expressions that stand as they were: {'; '.join(site.reader.lost[:10])}.")
        if made.outcome is ImportOutcome.MAPPED:
            made = replace(made, outcome=ImportOutcome.PARTLY)
    return _Draft(site.node, made, entry if made.then else leaving, leaving, site.notes)


def _made(site: Site) -> Made:
    node = site.node
    if node.disabled:
        site.notes.append("It was disabled: data passes through.")
        return actions.pass_on(site)
    if not node.type.startswith(_TYPES_BEGINNING):
        return by_hand(site, "The node comes from a community package.")
    mapper = flow.trigger if _begins(node) else _MAPPERS.get(node.short)
    if mapper is not None:
        return mapper(site)
    return by_hand(site, "This type of node is not known here.")


def _one_trigger(drafts: Mapping[str, _Draft]) -> None:
    """A workflow of ours begins at one place; every trigger of the file becomes that one."""
    triggers = [draft for draft in drafts.values() if draft.made.kind == TRIGGER]
    for draft in triggers[1:]:
        draft.notes.append(
            f"A workflow has one trigger: this one and '{triggers[0].source.name}' are the same now, so what stands"
            " behind either begins with every run."
        )
        draft.made = replace(draft.made, outcome=ImportOutcome.PARTLY)


def _edges(source: Source, drafts: Mapping[str, _Draft]) -> list[Edge]:
    """The wires between mapped nodes, by the branches of ours."""
    found: dict[tuple[str, str, str | None], Edge] = {
        (draft.entry, draft.leaving, None): Edge(source=draft.entry, target=draft.leaving)
        for draft in drafts.values()
        if draft.made.then is not None
    }
    for wire in source.wires:
        start, end = drafts.get(wire.source), drafts.get(wire.target)
        if wire.sort != "main" or start is None or end is None:
            continue
        if end.made.kind == TRIGGER:
            start.notes.append(f"Its connection to '{wire.target}' was left out: nothing leads to a trigger.")
            continue
        branch = _branch(start, wire)
        leaving = start.entry if branch == ERROR_BRANCH else start.leaving
        found.setdefault((leaving, end.entry, branch), Edge(source=leaving, target=end.entry, branch=branch))
    return list(found.values())


def _branch(start: _Draft, wire: Wire) -> str | None:
    branches = start.made.branches
    if start.source.has_error_output and wire.output >= len(branches):
        return ERROR_BRANCH
    return branches[min(wire.output, len(branches) - 1)]


def _without_circles(edges: list[Edge], drafts: Mapping[str, _Draft]) -> list[Edge]:
    """Without the edges that lead back: behind a loop that is how it repeats, elsewhere there is no counterpart."""
    onward: dict[str, list[Edge]] = defaultdict(list)
    for edge in edges:
        onward[edge.source].append(edge)
    owners = {draft.leaving: draft for draft in drafts.values()}
    entries = owners | {draft.entry: draft for draft in drafts.values()}
    back: set[int] = set()
    done: set[str] = set()
    loops = [draft.entry for draft in drafts.values() if draft.made.kind == LOOP]
    starts = [draft.entry for draft in drafts.values()]
    for start in (*_first(edges, starts), *loops, *starts):
        # Depth first, without recursion: an edge to a node that is still open leads back.
        path, way = [start], [iter(onward[start])]
        if start in done:
            continue
        while path:
            following: Edge | None = next(way[-1], None)
            if following is None:
                done.add(path.pop())
                way.pop()
            elif following.target in path:
                back.add(id(following))
                if entries[following.target].made.kind != LOOP:
                    owners[following.source].notes.append(
                        f"Its way back to '{entries[following.target].source.name}' was cut: repeat with a loop node."
                    )
            elif following.target not in done:
                path.append(following.target)
                way.append(iter(onward[following.target]))
    return [edge for edge in edges if id(edge) not in back]


def _first(edges: Iterable[Edge], entries: Iterable[str]) -> list[str]:
    targets = {edge.target for edge in edges}
    return [entry for entry in entries if entry not in targets]


def _mend_loops(edges: list[Edge], drafts: Mapping[str, _Draft]) -> None:
    """A loop that repeats nothing passes on; an answer inside of one becomes plain data."""
    for draft in drafts.values():
        if draft.made.kind != LOOP:
            continue
        inside = [edge for edge in edges if edge.source == draft.leaving and edge.branch == ITEM]
        if not inside:
            draft.notes.append("Nothing stood behind its loop output, so it only passes data on.")
            draft.made = Made("transform", {"expression": "input"}, outcome=ImportOutcome.PARTLY)
            for index, edge in enumerate(edges):
                if edge.source == draft.leaving:
                    edges[index] = edge.model_copy(update={"branch": None})
            continue
        reached = _reached(edges, {edge.target for edge in inside})
        for other in drafts.values():
            if other.entry in reached and other.made.kind == OUTPUT:
                other.notes.append("Inside a loop there is no answer; it passes its data on.")
                other.made = Made("transform", {"expression": "input"}, outcome=ImportOutcome.PARTLY)


def _reached(edges: Iterable[Edge], start: set[str]) -> set[str]:
    onward: dict[str, list[str]] = defaultdict(list)
    for edge in edges:
        onward[edge.source].append(edge.target)
    found, waiting = set(start), list(start)
    while waiting:
        for target in onward[waiting.pop()]:
            if target not in found:
                found.add(target)
                waiting.append(target)
    return found


def _nodes(draft: _Draft) -> list[Node]:
    source, made = draft.source, draft.made
    x, y = source.position or (0.0, 0.0)
    place = None if source.position is None else Place(x=x, y=y)
    facts: dict[str, Any] = {
        "on_error": OnError.CONTINUE if source.goes_on else OnError.FAIL,
        "retries": source.retries,
    }
    first = Node(id=draft.entry, kind=made.kind, name=source.name, config=made.config, position=place, **facts)
    if made.then is None:
        return [first]
    kind, config = made.then
    return [first, Node(id=draft.leaving, kind=kind, name=source.name, config=config, position=place)]


def _report(node: SourceNode, draft: _Draft | None, outcome: ImportOutcome, notes: list[str]) -> ImportedNode:
    return ImportedNode(
        name=node.name,
        type=node.type,
        node=None if draft is None else draft.leaving,
        kind=None if draft is None else draft.made.kind,
        outcome=outcome,
        notes=tuple(dict.fromkeys(notes)),
    )
