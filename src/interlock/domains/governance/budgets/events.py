"""News of the budgets."""

from decimal import Decimal
from typing import ClassVar

from interlock.domains.governance.budgets.views import AlertChannel
from interlock.runtime.events import Event


class BudgetAlertFired(Event):
    """A share of the monthly cap is spent; published once a month for each threshold, again when the cap has risen."""

    name: ClassVar[str] = "governance.budget_alert_fired"

    month: str
    threshold_percent: int
    channels: tuple[AlertChannel, ...]
    monthly_spent: Decimal
    monthly_cap: Decimal
