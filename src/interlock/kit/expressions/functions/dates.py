"""Functions on dates: text in ISO 8601 goes in and comes out; a time without an offset is UTC."""

import calendar
import re
from datetime import UTC, date, datetime, timedelta

from interlock.kit.expressions.errors import ExpressionError
from interlock.kit.expressions.functions.registry import Function, Moment, declarer

FUNCTIONS: dict[str, Function] = {}
function = declarer(FUNCTIONS)

_DATE_LENGTH = 10
_SECONDS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400, "week": 604_800}
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_PATTERN = re.compile(r"\[([^\]]*)\]|YYYY|YY|MMMM|MMM|MM|M|DD|D|dddd|ddd|HH|H|hh|h|mm|m|ss|s|A|a|.", re.DOTALL)
_LONGEST = 200
# Not those of the calendar module: they follow the locale of the machine, and a replay must agree anywhere.
_MONTH_NAMES = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def read(text: str) -> datetime:
    """The moment that a text names; a date alone is its first.

    Raises:
        ExpressionError: it is neither a date nor a time.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ExpressionError(f"'{text[:40]}' is no date; write it as 2026-01-31 or 2026-01-31T12:00:00Z.") from None
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        raise ExpressionError(f"'{text[:40]}' lies outside of the years 1 to 9999.") from None


def write(moment: datetime, *, whole_day: bool = False) -> str:
    """The text of a moment."""
    if whole_day:
        return moment.date().isoformat()
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds" if moment.microsecond else "seconds") + "Z"


@function("now")
def now(moment: Moment) -> str:
    """The time of this evaluation."""
    return write(moment.read_now())


@function("today")
def today(moment: Moment) -> str:
    """The date of this evaluation, in UTC."""
    return write(moment.read_now(), whole_day=True)


@function("days_between", "text", "text", aliases=("daysBetween",))
def days_between(moment: Moment, start: str, end: str) -> int:
    """Whole days from one date to another; negative where the second is earlier."""
    return (read(end).date() - read(start).date()).days


@function("date_add", "text", "integer", "text?")
def date_add(moment: Moment, value: str, amount: int, unit: str = "days") -> str:
    """A date moved by some seconds, minutes, hours, days, weeks, months, quarters or years."""
    start, name = read(value), unit.strip().lower().removesuffix("s")
    whole_day = len(value.strip()) <= _DATE_LENGTH and name not in {"second", "minute", "hour"}
    try:
        if name in _SECONDS:
            return write(start + timedelta(seconds=amount * _SECONDS[name]), whole_day=whole_day)
        if name in _MONTHS:
            return write(_moved(start, amount * _MONTHS[name]), whole_day=whole_day)
    except (OverflowError, ValueError):
        raise ExpressionError("the result lies outside of the years 1 to 9999.") from None
    raise ExpressionError(f"'{unit[:20]}' is no unit; use seconds, minutes, hours, days, weeks, months or years.")


def _moved(start: datetime, months: int) -> datetime:
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    if not date.min.year <= year <= date.max.year:
        raise OverflowError
    return start.replace(year=year, month=month + 1, day=min(start.day, calendar.monthrange(year, month + 1)[1]))


@function("format_date", "text", "text")
def format_date(moment: Moment, value: str, pattern: str) -> str:
    """A date as text: YYYY YY MMMM MMM MM M DD D dddd ddd HH H hh h mm m ss s A a; [words] stay as they are."""
    if len(pattern) > _LONGEST:
        raise ExpressionError(f"a pattern has at most {_LONGEST} characters.")
    when = read(value)
    return moment.budget.text("".join(_part(when, found) for found in _PATTERN.finditer(pattern)))


def _part(when: datetime, found: re.Match[str]) -> str:
    if found.group(1) is not None:
        return found.group(1)
    hour = when.hour % 12 or 12
    known = {
        "YYYY": f"{when.year:04}",
        "YY": f"{when.year % 100:02}",
        "MMMM": _MONTH_NAMES[when.month - 1],
        "MMM": _MONTH_NAMES[when.month - 1][:3],
        "MM": f"{when.month:02}",
        "M": str(when.month),
        "DD": f"{when.day:02}",
        "D": str(when.day),
        "dddd": _DAY_NAMES[when.weekday()],
        "ddd": _DAY_NAMES[when.weekday()][:3],
        "HH": f"{when.hour:02}",
        "H": str(when.hour),
        "hh": f"{hour:02}",
        "h": str(hour),
        "mm": f"{when.minute:02}",
        "m": str(when.minute),
        "ss": f"{when.second:02}",
        "s": str(when.second),
        "A": "AM" if when.hour < 12 else "PM",
        "a": "am" if when.hour < 12 else "pm",
    }
    return known.get(found.group(), found.group())
