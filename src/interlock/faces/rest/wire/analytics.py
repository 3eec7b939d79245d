"""Native replies about costs."""

from datetime import date

from interlock.faces.rest.wire.base import Dollars, Wire


class AmountReply(Wire):
    """What was spent; `unknown` calls have no known price and are in no sum."""

    cost: Dollars
    calls: int
    unknown: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int


class DayReply(Wire):
    """A UTC day's cost."""

    day: date
    amount: AmountReply


class CostRowReply(Wire):
    """One line of a list, the dearest first; an empty key is the rest.

    `included` is what a workflow's agents and sub-workflows spent on its behalf, which their own rows count.
    """

    key: str
    label: str
    kind: str
    amount: AmountReply
    share: float
    included: Dollars


class CapReply(Wire):
    """A ceiling and what counts towards it; null is no ceiling."""

    name: str
    limit: Dollars | None
    spent: Dollars


class ProjectionReply(Wire):
    """What the month will have cost at its end, and how that was reckoned."""

    amount: Dollars
    daily_mean: Dollars
    days_counted: int
    days_left: float
    cap_reached_on: date | None
    method: str


class CostReply(Wire):
    """What was spent in a stretch of UTC days; today, yesterday and the months whatever the stretch."""

    since: date
    until: date
    total: AmountReply
    days: tuple[DayReply, ...]
    today: AmountReply
    yesterday: AmountReply
    month: AmountReply
    last_month: AmountReply
    projection: ProjectionReply | None
    caps: tuple[CapReply, ...]
    by_model: tuple[CostRowReply, ...]
    by_provider: tuple[CostRowReply, ...]
    by_agent: tuple[CostRowReply, ...]
    by_workflow: tuple[CostRowReply, ...]
    by_caller: tuple[CostRowReply, ...]
    by_tool: tuple[CostRowReply, ...]
    by_kind: tuple[CostRowReply, ...]
