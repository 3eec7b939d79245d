"""What other domains and faces see of an agent."""

from datetime import datetime
from decimal import Decimal

from interlock.domains.agents.states import AgentStatus
from interlock.kit.ids import AgentId
from interlock.kit.operations import View


class Agent(View):
    """An autonomous agent: model, instructions, the tools it may use, and its ceilings."""

    id: AgentId
    number: int
    name: str
    model: str
    system_prompt: str | None
    tools: tuple[str, ...]
    max_iterations: int
    budget_per_run: Decimal | None
    status: AgentStatus
    created_at: datetime
    updated_at: datetime
