"""What the month will have cost; pure.

A moving average over one week, so that a weekend weighs as much as it does in the month (Hyndman and Athanasopoulos,
Forecasting: Principles and Practice, 3rd edition, section 5.2, the mean method over a window of one season).
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from interlock.domains.analytics.views import Projection
from interlock.kit.money import ZERO

WINDOW = 7
_DAY = timedelta(days=1)


def project(
    spent: Mapping[date, Decimal], first: date | None, month: Decimal, cap: Decimal | None, now: datetime
) -> Projection | None:
    """What is spent this month, plus the mean of the last full days for the time that is left.

    Args:
        spent: by day; days without a cost may be missing.
        first: the first day on which anything was spent at all.
        month: spent this month.
        cap: the monthly cap.
    """
    today = now.astimezone(UTC).date()
    counted = 0 if first is None else min(WINDOW, (today - first).days)
    if counted <= 0:
        return None
    mean = sum((spent.get(today - _DAY * back, ZERO) for back in range(1, counted + 1)), ZERO) / counted
    end = _month_after(today)
    left = Decimal((datetime(end.year, end.month, 1, tzinfo=UTC) - now).total_seconds()) / Decimal(86_400)
    amount = month + mean * left
    return Projection(
        amount=amount,
        daily_mean=mean,
        days_counted=counted,
        days_left=round(float(left), 2),
        cap_reached_on=_reached_on(month, mean, cap, now, end),
        method=(
            f"Spent this month, plus the mean of the last {counted} full {'day' if counted == 1 else 'days'} (UTC) "
            f"for each of the {left:.1f} days that are left."
        ),
    )


def _reached_on(month: Decimal, mean: Decimal, cap: Decimal | None, now: datetime, end: date) -> date | None:
    if cap is None:
        return None
    if month >= cap:
        return now.astimezone(UTC).date()
    if not mean or (cap - month) / mean > 31:
        return None
    day = (now.astimezone(UTC) + timedelta(days=float((cap - month) / mean))).date()
    return day if day < end else None


def _month_after(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)
