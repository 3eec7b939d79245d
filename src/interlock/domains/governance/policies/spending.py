"""Compares spending with caps; pure.

A cap is reached when spent and reserved money meet it, or the estimate would pass it.
"""

from decimal import Decimal

from interlock.domains.governance.budgets.views import Headroom, Spend
from interlock.domains.governance.policies.config import CostConfig
from interlock.kit.money import rounded


def policy_cap_reached(config: CostConfig, room: Headroom, estimate: Decimal, scope: Spend | None) -> str | None:
    """Which of a cost policy's caps is reached, in words; None when there is room.

    Args:
        scope: this period's spending of the tools that the policy covers.
    """
    daily = config.period == "day"
    totals = {
        "run": room.run,
        "agent": room.agent_day if daily else room.agent_month,
        "scope": scope,
        "workspace": room.day if daily else room.month,
    }
    for level, cap in config.caps.items():
        spend = totals[level]
        if spend is not None and _reached(spend, cap, estimate):
            return _words(f"per_{level}", spend, cap)
    return None


def account_cap_reached(room: Headroom, estimate: Decimal) -> str | None:
    """Which of the workspace's own caps is reached, in words; None when there is room."""
    totals = (
        ("monthly_cap", room.month, room.caps.monthly_cap),
        ("daily_cap", room.day, room.caps.daily_cap),
        ("per_run_cap", room.run, room.caps.per_run_cap),
    )
    for name, spend, cap in totals:
        if spend is not None and cap is not None and _reached(spend, cap, estimate):
            return _words(name, spend, cap)
    return None


def _reached(spend: Spend, cap: Decimal, estimate: Decimal) -> bool:
    return spend.committed >= cap or spend.committed + estimate > cap


def _words(name: str, spend: Spend, cap: Decimal) -> str:
    return f"{name} ${cap.normalize():f}, spent or reserved ${rounded(spend.committed)}"
