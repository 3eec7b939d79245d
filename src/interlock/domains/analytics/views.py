"""What faces see of costs."""

from datetime import date
from decimal import Decimal

from interlock.domains.governance.budgets.views import Amount, DaySpend
from interlock.kit.operations import View


class CostRow(View):
    """One model, provider, agent, workflow, caller, tool or kind of spending.

    Args:
        key: its id or name; empty for the rest that is not listed.
        kind: what sort of thing it is: a provider's name for a model, `agent` or `name`, a caller's kind.
        share: of the total of the days asked for, from 0 to 1.
        included: what its agents and sub-workflows spent on a workflow's behalf; counted in their own rows.
    """

    key: str
    label: str
    kind: str
    amount: Amount
    share: float
    included: Decimal = Decimal(0)


class CapStanding(View):
    """A ceiling of the workspace and what counts towards it."""

    name: str
    limit: Decimal | None
    spent: Decimal


class Projection(View):
    """What the month will have cost at its end, and how that was reckoned.

    Args:
        cap_reached_on: the day on which the monthly cap is reached at this pace; None where it is not.
    """

    amount: Decimal
    daily_mean: Decimal
    days_counted: int
    days_left: float
    cap_reached_on: date | None
    method: str


class CostReport(View):
    """What was spent. Days and months are UTC, as those of the caps are, so that a day's cost is what its cap counted.

    Costs without a known price are in none of the sums: `unknown` counts the calls.

    Args:
        days: every day asked for, also those without a cost.
        projection: None before the first full day of spending.
    """

    since: date
    until: date
    total: Amount
    days: tuple[DaySpend, ...]
    today: Amount
    yesterday: Amount
    month: Amount
    last_month: Amount
    projection: Projection | None
    caps: tuple[CapStanding, ...]
    by_model: tuple[CostRow, ...]
    by_provider: tuple[CostRow, ...]
    by_agent: tuple[CostRow, ...]
    by_workflow: tuple[CostRow, ...]
    by_caller: tuple[CostRow, ...]
    by_tool: tuple[CostRow, ...]
    by_kind: tuple[CostRow, ...]
