"""Values of cells: as a page shows them, as a person edits them, and back."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from interlock.domains.tables.states import ColumnType
from interlock.domains.tables.views import Column
from interlock.faces.dashboard.words import instant

WORDS = {
    ColumnType.TEXT: "text",
    ColumnType.NUMBER: "number",
    ColumnType.SELECT: "choice",
    ColumnType.EMAIL: "e-mail",
    ColumnType.URL: "web address",
    ColumnType.DATE: "date",
    ColumnType.BOOLEAN: "yes or no",
    ColumnType.COMPUTED: "computed",
    ColumnType.RELATION: "row of a table",
}


@dataclass(frozen=True, slots=True)
class Cell:
    """A value on a page.

    Args:
        shown: for reading.
        raw: for editing.
    """

    shown: str
    raw: str


def cell(column: Column, value: Any, zone: ZoneInfo) -> Cell:
    """A value as it is shown and as it is edited."""
    if value is None:
        return Cell("", "")
    if isinstance(value, bool):
        return Cell("yes" if value else "no", "true" if value else "false")
    if isinstance(value, dict | list):
        text = orjson.dumps(value, default=str).decode()
        return Cell(text, text)
    text = str(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        text = str(int(value))
    if column.type is ColumnType.DATE and "T" in text:
        return Cell(instant(datetime.fromisoformat(text), zone), text)
    return Cell(text, text)


def value_of(column: Column, text: str) -> Any:
    """What a person typed, as the operation takes it; what is no number stays text, and the operation says so."""
    if not text.strip():
        return None
    if column.type is ColumnType.NUMBER:
        return _number(text.strip())
    if column.type is ColumnType.BOOLEAN:
        return {"true": True, "yes": True, "false": False, "no": False}.get(text.strip().lower(), text)
    return text if column.type is ColumnType.TEXT else text.strip()


def _number(text: str) -> Any:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return text
