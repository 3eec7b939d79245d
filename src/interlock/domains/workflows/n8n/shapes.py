"""What one n8n node becomes, and what its mapper is given to work with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from interlock.domains.workflows.n8n.expressions import Reader
from interlock.domains.workflows.n8n.source import Source, SourceNode
from interlock.domains.workflows.n8n.states import ImportOutcome
from interlock.domains.workflows.n8n.words import escaped
from interlock.kit.ids import WorkflowId

_LONGEST_SHOWN = 300
APPROVED, REJECTED = "approved", "rejected"


@dataclass(slots=True)
class Site:
    """A node to be mapped, and what may be asked while doing so.

    Args:
        subworkflows: ours, by the id they had in n8n.
        notes: what the person who imports should know.
    """

    node: SourceNode
    reader: Reader
    source: Source
    subworkflows: Mapping[str, WorkflowId]
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Made:
    """What a node became.

    Args:
        branches: by which each output of the n8n node leaves; a plain edge where it is None.
        then: a second node behind it, as kind and configuration; the outputs are that one's.
    """

    kind: str
    config: dict[str, Any]
    branches: tuple[str | None, ...] = (None,)
    outcome: ImportOutcome = ImportOutcome.MAPPED
    then: tuple[str, dict[str, Any]] | None = None


def by_hand(
    site: Site, reason: str, *, branches: tuple[str | None, ...] = (APPROVED,), ask: str = "Do it by hand."
) -> Made:
    """A human gate in the place of what cannot be imported: nothing is skipped in silence, a person does it."""
    site.notes.append(reason)
    words = f"'{site.node.name}' ({site.node.type}) came from n8n without a counterpart: {reason} {ask}"
    return Made("gate", {"message": escaped(words), "review": "input"}, branches, ImportOutcome.PLACEHOLDER)


def shown(value: Any) -> str:
    """A value of the file for a note, cut short."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…"
