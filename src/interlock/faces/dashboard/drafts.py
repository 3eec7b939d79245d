"""Lists that a person builds in a form, such as a table's columns: rows of named fields that come and go and move.

Every row sends each of its fields once, under the same names, so that their order is the order on the page. A button
named `do` says what to change: `add`, `remove-2`, `up-2`, `down-2`.
"""

from collections.abc import Mapping, Sequence

Row = dict[str, str]


def rows_of(sent: Mapping[str, Sequence[str]], names: Sequence[str], prefix: str) -> list[Row]:
    """The rows that a form carries in fields such as `column_name`."""
    columns = {name: list(sent.get(f"{prefix}_{name}", ())) for name in names}
    count = max((len(values) for values in columns.values()), default=0)
    return [
        {name: values[place] if place < len(values) else "" for name, values in columns.items()}
        for place in range(count)
    ]


def changed(rows: Sequence[Row], what: str, fresh: Row) -> list[Row]:
    """The rows after what a button said; unknown words change nothing."""
    result = [dict(row) for row in rows]
    verb, _, text = what.partition("-")
    place = int(text) if text.isdecimal() and len(text) < 5 else -1
    if verb == "add":
        result.append(dict(fresh))
    elif 0 <= place < len(result):
        if verb == "remove":
            del result[place]
        elif verb in {"up", "down"}:
            other = place - 1 if verb == "up" else place + 1
            if 0 <= other < len(result):
                result[place], result[other] = result[other], result[place]
    return result


def lines(text: str) -> tuple[str, ...]:
    """The lines of a text box that hold something."""
    return tuple(line.strip() for line in text.splitlines() if line.strip())
