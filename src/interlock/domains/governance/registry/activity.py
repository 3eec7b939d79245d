"""From evidence to activity, as a pure function: who called how often, on which day, and what they touched."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from interlock.domains.governance.known_tools import KnownTools
from interlock.domains.governance.ledger.views import EntryEvent, LedgerEntry
from interlock.domains.governance.policies.views import Decision, PolicyType
from interlock.domains.governance.registry.states import SystemKind
from interlock.domains.governance.registry.views import Footprint
from interlock.domains.governance.risk.scoring import data_in
from interlock.domains.governance.risk.views import DataClass
from interlock.runtime.context import ActorKind, WorkspaceId

_KINDS = {
    ActorKind.AGENT: SystemKind.AGENT,
    ActorKind.CLIENT: SystemKind.MCP_CLIENT,
    ActorKind.WORKFLOW: SystemKind.WORKFLOW,
}
_VERDICTS = frozenset(Decision)


@dataclass(slots=True)
class Activity:
    """What one system did in a stretch of the ledger.

    Args:
        labelled: it only calls itself so; nobody defined or registered it.
    """

    name: str
    last: datetime
    caller_kind: ActorKind
    caller_id: str | None
    labelled: bool
    days: dict[str, Footprint] = field(default_factory=dict)
    tools: set[str] = field(default_factory=set)
    data: set[DataClass] = field(default_factory=set)
    tags: set[str] = field(default_factory=set)


def fold(
    entries: Iterable[LedgerEntry], known: KnownTools, workspace_id: WorkspaceId
) -> dict[tuple[SystemKind, str], Activity]:
    """What each system did, by kind and subject."""
    found: dict[tuple[SystemKind, str], Activity] = {}
    for entry in entries:
        for key, name in _systems_of(entry, known, workspace_id):
            activity = found.get(key)
            if activity is None:
                labelled = entry.event is not EntryEvent.TOOL_CALL
                activity = found[key] = Activity(name, entry.at, entry.caller_kind, entry.caller_id, labelled)
            activity.last = entry.at
            _add(activity, entry)
    return found


def _systems_of(
    entry: LedgerEntry, known: KnownTools, workspace_id: WorkspaceId
) -> Iterable[tuple[tuple[SystemKind, str], str]]:
    """The systems that an entry is about: its caller, and the adapter that was used."""
    if entry.event in (EntryEvent.CHECK, EntryEvent.OUTCOME):
        if entry.caller_label:
            label = entry.caller_label.replace("\x00", "\ufffd")[:200]
            yield (SystemKind.AGENT, label), label
    elif entry.event is EntryEvent.TOOL_CALL:
        kind = _KINDS.get(entry.caller_kind)
        if kind is not None and entry.caller_id is not None:
            yield (kind, entry.caller_id), entry.caller_label[:200]
        connector = known.facts(entry.tool or "", workspace_id).connector
        if connector is not None and entry.outcome is not None:
            yield (SystemKind.ADAPTER, connector), connector


def _add(activity: Activity, entry: LedgerEntry) -> None:
    if entry.event is EntryEvent.OUTCOME or entry.decision not in _VERDICTS:
        return
    day = entry.at.date().isoformat()
    before = activity.days.get(day) or Footprint()
    changed = {entry.decision: getattr(before, entry.decision) + 1}
    if entry.decision == Decision.AUTHORIZED and entry.approval_id is None:
        changed["unsupervised"] = before.unsupervised + 1
    activity.days[day] = before.model_copy(update=changed)
    if entry.tool is not None:
        activity.tools.add(entry.tool)
        activity.data |= data_in((entry.tool,))
    if any(match.get("type") == PolicyType.DATA_PRIVACY for match in entry.matched):
        activity.data.add(DataClass.PERSONAL)
    activity.tags.update(entry.controls)
