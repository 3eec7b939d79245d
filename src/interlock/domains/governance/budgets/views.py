"""What other domains and faces see of spending."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

from interlock.kit.ids import AgentId, RunId, TypedId
from interlock.kit.operations import View
from interlock.runtime.context import ActorKind


class ReservationId(TypedId):
    """Money set aside before a cost is known."""

    prefix: ClassVar[str] = "rsv"


class UsageId(TypedId):
    """One line of the money ledger."""

    prefix: ClassVar[str] = "use"


class BudgetId(TypedId):
    """A workspace's caps and alerts."""

    prefix: ClassVar[str] = "bud"


class UsageKind(StrEnum):
    """What money is spent on."""

    MODEL = "model"
    TOOL = "tool"
    CHECK = "check"
    CHAT = "chat"


class OwnerKind(StrEnum):
    """Whose work a cost belongs to; a name is what a program that acts itself calls its agent."""

    NONE = "none"
    AGENT = "agent"
    WORKFLOW = "workflow"
    NAME = "name"


class SpentBy(View):
    """Who made the call that cost something."""

    kind: ActorKind
    id: TypedId | None
    label: str


class Amount(View):
    """What was spent: sums leave out the `unknown` calls, whose price nobody knows."""

    cost: Decimal = Decimal(0)
    calls: int = 0
    unknown: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0

    def plus(self, other: "Amount") -> "Amount":
        """Both together."""
        return Amount(**{name: getattr(self, name) + getattr(other, name) for name in Amount.model_fields})


class DaySpend(View):
    """What a UTC day cost."""

    day: date
    amount: Amount


class Slice(View):
    """What one combination of model, tool, owner and caller cost within a stretch of days.

    `attributed` is what others have spent on the owner's behalf, a workflow's agents for one: it is no part of any sum.
    """

    kind: UsageKind
    model: str
    provider: str
    tool: str
    owner_kind: OwnerKind
    owner: TypedId | None
    owner_label: str
    caller_kind: ActorKind | None
    caller: str
    caller_label: str
    amount: Amount
    attributed: Decimal


class AlertChannel(StrEnum):
    """Where an alert is told."""

    SLACK = "slack"
    EMAIL = "email"


class Reservation(View):
    """Money set aside; it counts against every cap until it is settled, released or expires."""

    id: ReservationId
    amount: Decimal
    kind: UsageKind
    run_id: RunId | None
    agent_id: AgentId | None
    tool: str | None
    expires_at: datetime


class Usage(View):
    """One line of the money ledger; `cost` is None where no price is known, which is not zero."""

    id: UsageId
    kind: UsageKind
    cost: Decimal | None
    run_id: RunId | None
    agent_id: AgentId | None
    tool: str | None
    model: str | None
    provider: str | None
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    reference: str
    at: datetime


class Spend(View):
    """A running total: what is spent, what is set aside, and how many costs are unknown."""

    spent: Decimal = Decimal(0)
    reserved: Decimal = Decimal(0)
    unknown: int = 0

    @property
    def committed(self) -> Decimal:
        """What counts against a cap."""
        return self.spent + self.reserved


class Caps(View):
    """A workspace's ceilings; None is no ceiling."""

    monthly_cap: Decimal | None = None
    daily_cap: Decimal | None = None
    per_run_cap: Decimal | None = None

    @property
    def any(self) -> bool:
        """Whether spending is capped at all."""
        return any(cap is not None for cap in (self.monthly_cap, self.daily_cap, self.per_run_cap))


class BudgetAlert(View):
    """Tell people when this share of the monthly cap is spent; `triggered` says it was this month."""

    threshold_percent: int
    channels: tuple[AlertChannel, ...]
    triggered: bool


class Budget(View):
    """Where spending stands; months and days are UTC.

    Costs without a known price are in none of the sums: `monthly_unknown` counts them.
    """

    monthly_cap: Decimal | None
    daily_cap: Decimal | None
    per_run_cap: Decimal | None
    alerts: tuple[BudgetAlert, ...]
    monthly_spent: Decimal
    daily_spent: Decimal
    monthly_remaining: Decimal | None
    monthly_unknown: int
    updated_at: datetime | None


class Headroom(View):
    """Spending as cost policies compare it with their own caps; agent, tool and run parts where they were asked for."""

    caps: Caps
    month: Spend
    day: Spend
    run: Spend | None = None
    agent_month: Spend | None = None
    agent_day: Spend | None = None
    tool_month: Spend | None = None
    tool_day: Spend | None = None
