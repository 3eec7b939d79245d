"""English words for when something recurs, read into a cron expression or an interval; what is not understood is named.

The forms: every N minutes/hours/days, hourly, daily, weekly, monthly, twice a day, every morning/afternoon/evening/
night, [every|on] weekdays/weekends/<weekdays> [at <times>], on the <n>th (or first/last <weekday>) of every month
[at <time>], at <times>; the shorthand 5m, 2h, 1d; and five cron fields as they are.
"""

import re
from dataclasses import dataclass

from interlock.kit.recurrence import RecurrenceError, RecurrenceKind

_MORNING, _AFTERNOON, _EVENING, _NIGHT = 9, 14, 18, 21
_IMPLIED = 0.9
_NOON = 12
_LAST_MINUTE, _LAST_HOUR, _LAST_DAY = 59, 23, 31
_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_SHORT = {"sun": 0, "mon": 1, "tue": 2, "tues": 2, "wed": 3, "thu": 4, "thur": 4, "thurs": 4, "fri": 5, "sat": 6}
_WEEKDAY = {**{name: at for at, name in enumerate(_DAYS)}, **_SHORT}
_PARTS = {"morning": _MORNING, "afternoon": _AFTERNOON, "evening": _EVENING, "night": _NIGHT}
_NUMBERS = {
    name: at + 1
    for at, name in enumerate(
        ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
    )
}
_TENS = {"fifteen": 15, "twenty": 20, "thirty": 30, "forty-five": 45, "sixty": 60, "ninety": 90}
_ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5}
_UNITS = {"second": "s", "sec": "s", "minute": "m", "min": "m", "hour": "h", "hr": "h", "day": "d", "week": "w"}
_WHOLE = {"m": 60, "h": 24}

_SHORTHAND = re.compile(r"(\d+) ?([smhdw])")
_CRON = re.compile(r"[\d*/,l-]+ [\d*/,-]+ \S+ \S+ \S+")
_STEP = re.compile(
    r"(?:every|each) (?:(\d+|[a-z-]+) )?"
    r"(seconds?|secs?|minutes?|mins?|hours?|hrs?|days?|weeks?)(?: (.+))?"
)
_TIME = re.compile(r"(\d{1,2})(?::(\d{2}))? ?(am|pm)?|noon|midday|midnight")
_AT = re.compile(r"(?:^|(?P<days>.*?) )at (?P<times>.+)")
_BARE = re.compile(r"(?:(?P<days>.+?) )?(?P<times>\d{1,2}:\d{2}(?: ?[ap]m)?|\d{1,2} ?[ap]m|noon|midday|midnight)")
_OF_MONTH = re.compile(
    r"(?:on )?(?:the )?(\d{1,2}(?:st|nd|rd|th)|[a-z]+)(?: ([a-z]+))? (?:of|in) (?:every|each|the|a) month"
)
_MONTHLY_ON = re.compile(r"(?:monthly|every month|each month) on (?:the )?(.+)")
_FREQUENCY = re.compile(r"(?:weekly|every week|each week) on |(?:every|each) |on ")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text was understood as; below 1.0, something in `confidence` was only implied."""

    kind: RecurrenceKind
    spec: str
    confidence: float = 1.0


def read(text: str) -> Reading:
    """What an English text, a shorthand or a cron expression means.

    Raises:
        RecurrenceError: names the words that were not understood.
    """
    words = " ".join(text.lower().replace("a.m.", "am").replace("p.m.", "pm").replace(",", " , ").split()).rstrip(" .!")
    words = words.replace(" ,", ",").replace("o'clock", "").strip()
    if not words:
        raise RecurrenceError("Say when: 'every weekday at 9am', '15m' or '0 9 * * 1-5'.", part="text")
    if _SHORTHAND.fullmatch(words):
        return Reading(RecurrenceKind.INTERVAL, words.replace(" ", ""))
    if _CRON.fullmatch(words):
        return Reading(RecurrenceKind.CRON, text.strip())
    step = _STEP.fullmatch(words)
    if step is not None:
        found = _step(step, text)
        if found is not None:
            return found
    return _calendar(words, text)


def _step(match: re.Match[str], text: str) -> Reading | None:
    """Every so many minutes, hours, days or weeks; None where the rest belongs to the calendar ('every day at ...')."""
    count, unit, rest = match[1], _UNITS[match[2].rstrip("s")], match[3]
    number = 1 if count is None else _number(count, text)
    if unit in {"d", "w"} and (number == 1 or rest is not None):
        if number > 1:
            raise _not_understood(f"{rest}' with 'every {count} {match[2]}", text)
        return None
    days = "*" if rest is None else _weekdays(rest.removeprefix("on ").removeprefix("every "), text)
    whole = _WHOLE.get(unit)
    if whole is None or whole % number != 0 or number == whole:
        if rest is not None:
            raise _not_understood(rest, text)
        return Reading(RecurrenceKind.INTERVAL, f"{number}{unit}")
    every = "*" if number == 1 else f"*/{number}"
    return Reading(RecurrenceKind.CRON, f"{every} * * * {days}" if unit == "m" else f"0 {every} * * {days}")


def _number(word: str, text: str) -> int:
    if word.isdecimal() and int(word) > 0:
        return int(word)
    known = {**_NUMBERS, **_TENS}.get(word)
    if known is None:
        raise _not_understood(f"every {word}", text)
    return known


def _calendar(words: str, text: str) -> Reading:
    """Certain days, at certain times of day."""
    match = _AT.fullmatch(words) or _BARE.fullmatch(words)
    days = words if match is None else (match["days"] or "")
    minute, hours = (None, None) if match is None else _times(match["times"], text)
    if days in {"hourly", "every hour", "each hour"} and match is None:
        return Reading(RecurrenceKind.CRON, "0 * * * *")
    fields, usual, is_stated = _days(days, text)
    if minute is None or hours is None:
        return Reading(RecurrenceKind.CRON, f"0 {usual} {fields}", 1.0 if is_stated else _IMPLIED)
    return Reading(RecurrenceKind.CRON, f"{minute} {hours} {fields}", 1.0 if days else _IMPLIED)


def _times(words: str, text: str) -> tuple[int, str]:
    """The minute and the hours of '9am', 'noon', '8:30 and 17:30'."""
    read_times = [_time(part, text) for part in _listed(words)]
    minutes = {minute for _, minute in read_times}
    if len(minutes) != 1:
        raise RecurrenceError(f"'{words}' names different minutes, which takes one schedule for each.", part="text")
    return minutes.pop(), ",".join(str(hour) for hour in sorted({hour for hour, _ in read_times}))


def _time(word: str, text: str) -> tuple[int, int]:
    match = _TIME.fullmatch(word)
    if match is None:
        raise _not_understood(word, text)
    if match[1] is None:
        return (0 if word == "midnight" else _NOON), 0
    hour, minute, half = int(match[1]), int(match[2] or 0), match[3]
    if half is not None:
        if not 1 <= hour <= _NOON:
            raise _not_understood(word, text)
        hour = hour % _NOON + (_NOON if half == "pm" else 0)
    if hour > _LAST_HOUR or minute > _LAST_MINUTE:
        raise _not_understood(word, text)
    return hour, minute


def _days(words: str, text: str) -> tuple[str, str, bool]:
    """Day, month and weekday fields; the usual hours; and whether the words themselves state those."""
    if words in {"", "daily", "every day", "each day"}:
        return "* * *", str(_MORNING), bool(words)
    if words in {"twice a day", "twice daily"}:
        return "* * *", "9,17", True
    if words in {"weekly", "every week", "each week"}:
        return "* * 1", str(_MORNING), True
    if words in {"monthly", "every month", "each month"}:
        return "1 * *", str(_MORNING), True
    of_month = _OF_MONTH.fullmatch(words)
    if of_month is not None:
        return _in_month(of_month[1], of_month[2], text), str(_MORNING), True
    monthly_on = _MONTHLY_ON.fullmatch(words)
    if monthly_on is not None:
        which, _, what = monthly_on[1].partition(" ")
        return _in_month(which, what or None, text), str(_MORNING), True
    named, _, part = words.rpartition(" ")
    if part.rstrip("s") in _PARTS:
        usual = str(_PARTS[part.rstrip("s")])
        if named in {"every", "each", "in the", ""}:
            return "* * *", usual, True
        return f"* * {_weekdays(_bare(named), text)}", usual, True
    return f"* * {_weekdays(_bare(words), text)}", str(_MORNING), False


def _bare(words: str) -> str:
    return _FREQUENCY.sub("", words, count=1)


def _in_month(which: str, what: str | None, text: str) -> str:
    """The fields for 'the 15th', 'the last day', 'the first Monday'."""
    number = _ORDINALS.get(which) or (int(which[:-2]) if which[:-2].isdecimal() else None)
    if what is None or what == "day":
        if which == "last":
            return "L * *"
        if number is None or not 1 <= number <= _LAST_DAY:
            raise _not_understood(which, text)
        return f"{number} * *"
    weekday = _WEEKDAY.get(what)
    if weekday is None:
        raise _not_understood(what, text)
    if which == "last":
        return f"* * {weekday}L"
    if number is None or number > len(_ORDINALS):
        raise _not_understood(which, text)
    return f"* * {weekday}#{number}"


def _weekdays(words: str, text: str) -> str:
    """The weekday field for 'monday', 'weekdays', 'mon, wed and fri', 'monday to friday'."""
    if words in {"day", "days"}:
        return "*"
    if words in {"weekday", "weekdays"}:
        return "1-5"
    if words in {"weekend", "weekends"}:
        return "0,6"
    if words.startswith("other "):
        raise _not_understood("every other", text)
    numbers: list[int] = []
    for part in _listed(words):
        first, joined, last = _span(part)
        start = _weekday(first, text)
        length = (_weekday(last, text) - start) % 7 if joined else 0
        numbers += [(start + at) % 7 for at in range(length + 1)]
    ordered = sorted(set(numbers))
    if len(ordered) > 2 and ordered[-1] - ordered[0] == len(ordered) - 1:
        return f"{ordered[0]}-{ordered[-1]}"
    return ",".join(map(str, ordered))


def _span(part: str) -> tuple[str, bool, str]:
    pieces = re.split(r" to | through | until |-", part, maxsplit=1)
    return pieces[0], len(pieces) > 1, pieces[-1]


def _weekday(word: str, text: str) -> int:
    known = _WEEKDAY.get(word)
    if known is None and word.endswith("s"):
        known = _WEEKDAY.get(word[:-1])
    if known is None:
        raise _not_understood(word, text)
    return known


def _listed(words: str) -> list[str]:
    return [part for part in re.split(r",? and (?:at |on )?|, ?(?:and )?|&", words) if part]


def _not_understood(words: str, text: str) -> RecurrenceError:
    return RecurrenceError(
        f"'{words[:80]}' was not understood in '{text.strip()[:120]}'; "
        "try 'every weekday at 9am', 'every 15 minutes', '2h' or five cron fields.",
        part="text",
    )
