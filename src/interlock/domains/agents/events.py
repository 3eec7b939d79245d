"""News of the agents domain."""

from typing import ClassVar

from interlock.kit.ids import AgentId
from interlock.runtime.events import Event


class AgentDefined(Event):
    """An agent was created or its tools changed, so its risk and registry entry may differ."""

    name: ClassVar[str] = "agents.defined"

    agent_id: AgentId


class AgentRemoved(Event):
    """An agent's definition is gone; its runs and evidence stay."""

    name: ClassVar[str] = "agents.removed"

    agent_id: AgentId
