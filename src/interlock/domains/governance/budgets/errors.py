"""Refusals of the budgets."""

from decimal import Decimal
from enum import StrEnum

from interlock.domains.governance.budgets.views import Spend
from interlock.kit.errors import InterlockError, Kind
from interlock.kit.money import rounded


class Cap(StrEnum):
    """Which ceiling was reached; the value is how facts name it."""

    MONTHLY = "monthly"
    DAILY = "daily"
    PER_RUN = "per_run"
    AGENT = "agent"
    WORKFLOW_DAILY = "workflow_daily"


_NAMES = {
    Cap.MONTHLY: "Monthly",
    Cap.DAILY: "Daily",
    Cap.PER_RUN: "Per-run",
    Cap.AGENT: "Agent per-run",
    Cap.WORKFLOW_DAILY: "Workflow's daily",
}
_HINTS = {
    Cap.MONTHLY: "Raise monthly_cap, or wait for the next month (UTC).",
    Cap.DAILY: "Raise daily_cap, or wait for the next day (UTC).",
    Cap.PER_RUN: "Raise per_run_cap, or split the work into several runs.",
    Cap.AGENT: "Raise the agent's budget_per_run, or split the work into several runs.",
    Cap.WORKFLOW_DAILY: "Raise the workflow's daily_cap, or wait for the next day (UTC).",
}


def budget_exceeded(cap: Cap, limit: Decimal, spend: Spend, asked: Decimal) -> InterlockError:
    """A cap is reached, or would be by what was asked; its facts are numbers such as `monthly_spent`."""
    data = {f"{cap.value}_spent": float(rounded(spend.spent)), f"{cap.value}_cap": float(limit)}
    if spend.reserved:
        data[f"{cap.value}_reserved"] = float(rounded(spend.reserved))
    shown = f"${limit:,.2f}" if limit == rounded(limit, 2) else f"${limit.normalize():f}"
    if spend.committed >= limit:
        message = f"{_NAMES[cap]} budget cap of {shown} has been reached"
    else:
        message = f"{_NAMES[cap]} budget cap of {shown} would be exceeded"
        data["requested"] = float(rounded(asked))
    return InterlockError(Kind.BUDGET_EXCEEDED, message, code="budget_exceeded", data=data, hint=_HINTS[cap])
