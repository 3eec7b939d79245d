"""Native replies about agents."""

from interlock.domains.agents.states import AgentStatus
from interlock.faces.rest.wire.base import Dollars, Timestamp, Wire
from interlock.kit.ids import AgentId


class AgentCreated(Wire):
    """The short view of a new agent."""

    id: AgentId
    name: str
    status: AgentStatus
    created_at: Timestamp


class AgentRow(Wire):
    """An agent in a list: without prompt and limits."""

    id: AgentId
    name: str
    model: str
    tools: tuple[str, ...]
    status: AgentStatus
    created_at: Timestamp


class AgentDetail(AgentRow):
    """An agent with prompt and limits."""

    system_prompt: str | None
    max_iterations: int
    budget_per_run: Dollars | None
    version: int
    updated_at: Timestamp


class AgentUpdated(Wire):
    """The headline fields after a change."""

    id: AgentId
    name: str
    model: str
    version: int
    status: AgentStatus
    updated_at: Timestamp


class AgentVersionRow(Wire):
    """An agent's definition as it was saved; `changed` names what differs from the one before."""

    version: int
    name: str
    model: str
    system_prompt: str | None
    tools: tuple[str, ...]
    max_iterations: int
    budget_per_run: Dollars | None
    changed: tuple[str, ...]
    restored_from: int | None
    changed_by: str
    created_at: Timestamp
