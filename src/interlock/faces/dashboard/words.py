"""How values are said on pages: money, instants, durations, sizes, names of states."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from zoneinfo import ZoneInfo

import orjson

_CENT = Decimal("0.01")
_KILO = 1024
_GOOD = frozenset(
    {
        "sent",
        "active",
        "approved",
        "authorized",
        "completed",
        "connected",
        "delivered",
        "done",
        "enabled",
        "healthy",
        "ok",
        "processed",
        "published",
        "ready",
        "received",
        "succeeded",
        "success",
        "valid",
    }
)
_BAD = frozenset(
    {
        "failing",
        "blocked",
        "budget_exceeded",
        "critical",
        "dead",
        "deactivated",
        "denied",
        "disconnected",
        "error",
        "exhausted",
        "failed",
        "failure",
        "invalid",
        "rejected",
        "revoked",
        "unhealthy",
    }
)
_WAITING = frozenset(
    {
        "skipped",
        "resting",
        "action_required",
        "degraded",
        "draft",
        "escalated",
        "held",
        "high",
        "medium",
        "on_hold",
        "open",
        "paused",
        "pending",
        "queued",
        "retrying",
        "waiting",
        "waiting_approval",
        "warning",
    }
)
_LIVE = frozenset(
    {
        "processing",
        "running",
        "started",
        "streaming",
        "working",
    }
)


def money(value: Decimal | None) -> str:
    """Dollars; amounts under a cent with as many digits as they need."""
    if value is None:
        return "unknown"
    if value == 0:
        return "$0.00"
    if abs(value) < _CENT:
        return f"${value:.6f}".rstrip("0")
    return f"${value:,.2f}"


def number(value: float | None) -> str:
    """A number with separators; a dash where there is none."""
    if value is None:
        return "-"
    return f"{value:,}"


def size(value: int) -> str:
    """Bytes in the unit a person would say."""
    amount = float(value)
    for unit in ("B", "KB", "MB"):
        if amount < _KILO:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= _KILO
    return f"{amount:.1f} GB"


def milliseconds(value: float | None) -> str:
    """A latency."""
    if value is None:
        return "-"
    return duration(timedelta(milliseconds=value))


def duration(value: timedelta | None) -> str:
    """How long something took."""
    if value is None:
        return "-"
    seconds = value.total_seconds()
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h"


def instant(value: datetime, zone: ZoneInfo) -> str:
    """A moment as the viewer's clock shows it."""
    return value.astimezone(zone).strftime("%d %b %Y, %H:%M:%S")


def iso(value: datetime) -> str:
    """A moment for programs."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def plain(value: Any) -> str:
    """A state or name as a person reads it."""
    text = str(value.value if isinstance(value, Enum) else value)
    return text.replace("_", " ")


def tone(value: Any) -> str:
    """The colour of a state: good, bad, warn, live or quiet."""
    text = str(value.value if isinstance(value, Enum) else value).lower()
    for tones, name in ((_GOOD, "good"), (_BAD, "bad"), (_WAITING, "warn"), (_LIVE, "live")):
        if text in tones:
            return name
    return "quiet"


def json_text(value: Any) -> str:
    """A value as indented JSON."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode()


FILTERS: dict[str, Callable[..., str]] = {
    "money": money,
    "number": number,
    "size": size,
    "ms": milliseconds,
    "duration": duration,
    "iso": iso,
    "instant": instant,
    "plain": plain,
    "tone": tone,
    "json_text": json_text,
}
