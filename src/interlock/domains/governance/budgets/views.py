"""What other domains and faces see of spending."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

from interlock.kit.ids import AgentId, RunId, TypedId
from interlock.kit.operations import View


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
