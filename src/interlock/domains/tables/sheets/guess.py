"""What type a column of a file is, from its first rows."""

from collections.abc import Sequence
from typing import Any

from interlock.domains.tables.states import ColumnType
from interlock.domains.tables.values import WrongValueError, converted
from interlock.domains.tables.views import Column

SAMPLE_ROWS = 100
_MOST_OPTIONS = 10
_LONGEST_OPTION = 200
_ORDER = (ColumnType.EMAIL, ColumnType.URL, ColumnType.BOOLEAN, ColumnType.DATE, ColumnType.NUMBER)


def guessed(name: str, key: str, values: Sequence[Any], *, whole: Sequence[Any], is_all: bool) -> Column:
    """The column that takes these values: e-mail, URL, boolean, date, number, select, else text.

    Args:
        name: of the column.
        key: of the column.
        values: of the first rows.
        whole: of all the rows that were read.
        is_all: whether that is the whole file; only then it can be told that a select has all its options.
    """
    given = [value for value in values if value is not None and str(value).strip()]
    for kind in _ORDER if given else ():
        column = Column(key=key, name=name, type=kind)
        if all(_fits(column, value) for value in given):
            return column
    texts = [str(value).strip() for value in given]
    options = tuple(sorted({str(value).strip() for value in whole if value is not None and str(value).strip()}))
    is_choice = is_all and 0 < len(options) <= _MOST_OPTIONS and len(set(texts)) < len(texts) / 2
    if is_choice and all(isinstance(value, str) for value in given) and max(map(len, options)) <= _LONGEST_OPTION:
        return Column(key=key, name=name, type=ColumnType.SELECT, options=options)
    return Column(key=key, name=name, type=ColumnType.TEXT)


def _fits(column: Column, value: Any) -> bool:
    if isinstance(value, bool):
        return column.type is ColumnType.BOOLEAN
    if isinstance(value, int | float):
        return column.type is ColumnType.NUMBER
    try:
        converted(column, value)
    except WrongValueError:
        return False
    return True
