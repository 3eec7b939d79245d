"""The grid: a page of rows, filtered, searched and sorted by the address, with cells that are edited in place."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import orjson
from starlette.responses import Response

from interlock.domains.tables import service as tables
from interlock.domains.tables.states import ColumnType, FilterOperator
from interlock.domains.tables.views import Column, Table
from interlock.faces.dashboard.areas.tables.cells import WORDS, cell, value_of
from interlock.faces.dashboard.refusals import problems_of
from interlock.faces.dashboard.render import go, html, respond
from interlock.faces.dashboard.routing import action, page
from interlock.faces.dashboard.visits import Visit
from interlock.faces.web.body import check_text
from interlock.kit.errors import InterlockError, invalid
from interlock.kit.paging import Page

_ROWS = 50
_MOST_CHOICES = 100
OPERATORS = [
    (FilterOperator.EQ.value, "is"),
    (FilterOperator.NE.value, "is not"),
    (FilterOperator.CONTAINS.value, "contains"),
    (FilterOperator.STARTS_WITH.value, "begins with"),
    (FilterOperator.GT.value, "is more than"),
    (FilterOperator.GTE.value, "is at least"),
    (FilterOperator.LT.value, "is less than"),
    (FilterOperator.LTE.value, "is at most"),
    (FilterOperator.IN.value, "is one of"),
    (FilterOperator.IS_EMPTY.value, "is empty"),
    (FilterOperator.IS_NOT_EMPTY.value, "is not empty"),
]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks of the grid.

    Args:
        filters: each as the JSON text of one condition.
        sort: a column's name, '-' before it from high to low; empty for the order of the table.
    """

    filters: tuple[str, ...] = ()
    search: str = ""
    sort: str = ""
    offset: int = 0

    def query(self, **changes: Any) -> str:
        """The query of an address with something changed; anything but a page turned begins at the first row."""
        values = {"filters": self.filters, "search": self.search, "sort": self.sort, "offset": 0, **changes}
        pairs = [("filter", text) for text in values["filters"]]
        pairs += [(name, values[name]) for name in ("search", "sort", "offset") if values[name]]
        return urlencode(pairs)

    def without(self, text: str) -> str:
        """The query with one condition less."""
        return self.query(filters=tuple(each for each in self.filters if each != text))

    def sorted_by(self, name: str) -> str:
        """The query after a click on a column's heading: up, down, and as it was."""
        return self.query(sort={name: f"-{name}", f"-{name}": ""}.get(self.sort, name))


def asked(visit: Visit) -> Asked:
    """What the address asks for."""
    filters = []
    for name, value in visit.request.query_params.multi_items():
        check_text(value, name[:100])
        if name == "filter" and value:
            filters.append(value)
    query, offset = visit.query, visit.query.get("offset", "0")
    if not offset.isdecimal():
        raise invalid("'offset' is a number of rows.", field="offset")
    return Asked(tuple(dict.fromkeys(filters)), query.get("search", ""), query.get("sort", ""), int(offset[:9]))


async def shown(visit: Visit) -> Response:
    """The page of a table."""
    return html(visit, "tables/grid.html", **await _grid(visit))


async def part(visit: Visit) -> Response:
    """The grid alone, read again when rows change."""
    return html(visit, "tables/_grid.html", **await _grid(visit))


async def _grid(visit: Visit) -> dict[str, Any]:
    want = asked(visit)
    table = await visit.call(tables.get, visit.command(tables.TableRef, {}, "table_id"))
    values = {
        "filters": list(want.filters), "search": want.search, "offset": want.offset, "limit": _ROWS,
        "sort": [want.sort] if want.sort else [],
    }  # fmt: skip
    problem = None
    try:
        found = await visit.call(tables.list_rows, visit.command(tables.ListRows, values, "table_id"))
    except InterlockError as error:
        problems = problems_of(error)
        problem = problems.notice or " ".join(problems.fields.values())
        command = visit.command(tables.ListRows, {"limit": _ROWS}, "table_id")
        found = await visit.call(tables.list_rows, command)
        want = Asked()
    return {
        "table": table,
        "page": Page(found.rows, found.limit, found.offset, found.total),
        "asked": want,
        "chips": [(text, _told(text)) for text in want.filters],
        "problem": problem,
        "operators": OPERATORS,
        "words": WORDS,
        "may_add_empty": not any(column.required for column in table.columns),
        "choices": _choices,
        **row_facts(visit),
    }


def row_facts(visit: Visit) -> dict[str, Any]:
    """What the template of a row needs."""

    def shown_cell(column: Column, value: Any) -> Any:
        return cell(column, value, visit.zone)

    return {"cell": shown_cell, "ColumnType": ColumnType}


def _choices(column: Column) -> str:
    """What may be chosen in a cell, for the script that edits it."""
    return orjson.dumps(list(column.options or ())[:_MOST_CHOICES]).decode()


def _told(text: str) -> str:
    """A condition in words."""
    try:
        given = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text[:60]
    if not isinstance(given, dict):
        return text[:60]
    words = dict(OPERATORS).get(str(given.get("operator")), str(given.get("operator")))
    value = given.get("value")
    return f"{given.get('column')} {words}" + (f" {value}" if value is not None else "")


async def narrow(visit: Visit) -> Response:
    """Add a condition, and go to the address that says so."""
    want, query = asked(visit), visit.query
    operator = query.get("operator", FilterOperator.EQ.value)
    condition: dict[str, Any] = {"column": query.get("column", ""), "operator": operator}
    if operator == FilterOperator.IN:
        condition["value"] = [part.strip() for part in query.get("value", "").split(",") if part.strip()]
    elif operator not in {FilterOperator.IS_EMPTY, FilterOperator.IS_NOT_EMPTY}:
        condition["value"] = query.get("value", "")
    filters = tuple(dict.fromkeys((*want.filters, orjson.dumps(condition).decode())))
    return go(visit, f"/tables/{visit.path('table_id')}?{want.query(filters=filters)}")


async def set_cell(visit: Visit) -> Response:
    """Change one cell; the row as it then stands, or what is wrong in words."""
    sent = await visit.form()
    table = await visit.call(tables.get, visit.command(tables.TableRef, {}, "table_id"))
    column = _column(table, sent.get("column", ""))
    data = {column.name: value_of(column, sent.get("value", ""))}
    try:
        command = visit.command(tables.UpdateRow, {"data": data}, "table_id", "row_id")
        changed = await visit.call(tables.update_row, command)
        row = await visit.call(tables.get_row, tables.RowRef(table_id=table.id, row_id=changed.id))
    except InterlockError as error:
        problems = problems_of(error)
        return respond(visit.request, problems.notice or " ".join(problems.fields.values()), 422)
    return html(visit, "tables/_row.html", table=table, row=row, **row_facts(visit))


def _column(table: Table, key: str) -> Column:
    for column in table.columns:
        if column.key == key:
            return column
    raise invalid("This column is gone.", field="column", hint="Load the page again.")


async def add_empty(visit: Visit) -> Response:
    """Add a row to be filled in place."""
    made = await visit.call(tables.append, visit.command(tables.AppendRow, {"data": {}}, "table_id"))
    table = await visit.call(tables.get, visit.command(tables.TableRef, {}, "table_id"))
    last = max(table.row_count - 1, 0) // _ROWS * _ROWS
    return go(visit, f"/tables/{table.id}?offset={last}#row-{made.id}", said="An empty row is at the end.")


ROUTES = (
    page("/tables/{table_id}", shown),
    page("/tables/{table_id}/_grid", part),
    page("/tables/{table_id}/narrow", narrow),
    action("/tables/{table_id}/rows/_empty", add_empty),
    action("/tables/{table_id}/rows/{row_id}/cell", set_cell),
)
