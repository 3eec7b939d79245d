"""What other domains and faces see of an agent."""

from datetime import datetime
from decimal import Decimal

from interlock.domains.agents.states import AgentStatus
from interlock.kit.ids import AgentId
from interlock.kit.operations import View
from interlock.runtime.context import UserId


class Agent(View):
    """An autonomous agent: model, instructions, the tools it may use, and its ceilings.

    `version` counts its definitions; a run that was ordered before they were counted was ordered of the first.
    """

    id: AgentId
    number: int
    name: str
    model: str
    system_prompt: str | None
    tools: tuple[str, ...]
    max_iterations: int
    budget_per_run: Decimal | None
    version: int = 1
    status: AgentStatus
    created_at: datetime
    updated_at: datetime


class AgentVersion(View):
    """An agent's definition as it was saved; `changed` names the fields in which it differs from the one before."""

    number: int
    agent_id: AgentId
    version: int
    name: str
    model: str
    system_prompt: str | None
    tools: tuple[str, ...]
    max_iterations: int
    budget_per_run: Decimal | None
    changed: tuple[str, ...]
    restored_from: int | None
    changed_by: str
    created_by: UserId | None
    created_at: datetime
