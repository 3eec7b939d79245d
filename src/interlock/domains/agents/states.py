"""The life of an agent."""

from enum import StrEnum

from interlock.kit.states import Lifecycle


class AgentStatus(StrEnum):
    """An agent takes work from its creation until it is paused; a paused one can be woken."""

    ACTIVE = "active"
    PAUSED = "paused"


LIFECYCLE = Lifecycle(
    "agent",
    {
        AgentStatus.ACTIVE: frozenset({AgentStatus.PAUSED}),
        AgentStatus.PAUSED: frozenset({AgentStatus.ACTIVE}),
    },
)
