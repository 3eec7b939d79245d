"""The list of tables, a new one, and the columns of one."""

from typing import Any

from starlette.responses import Response

from interlock.domains.tables import service as tables
from interlock.domains.tables.states import ColumnType
from interlock.domains.tables.views import Table
from interlock.faces.dashboard.areas.tables.cells import WORDS
from interlock.faces.dashboard.drafts import Row, changed, lines, rows_of
from interlock.faces.dashboard.refusals import Problems, problems_of
from interlock.faces.dashboard.render import go, html
from interlock.faces.dashboard.routing import action, page
from interlock.faces.dashboard.visits import Visit
from interlock.kit.errors import InterlockError
from interlock.kit.paging import MAXIMUM_LIMIT, PageQuery

_LISTED = 50
NAMES = ("name", "type", "options", "formula", "table_id", "required")
_FRESH: Row = {"name": "", "type": "text", "options": "", "formula": "", "table_id": "", "required": ""}
_FIRST: list[Row] = [{**_FRESH, "name": "Name", "required": "true"}, _FRESH]
KINDS = [(kind.value, WORDS[kind]) for kind in ColumnType]


async def listed(visit: Visit) -> Response:
    """Every table."""
    return html(visit, "tables/list.html", page=await _tables(visit))


async def part(visit: Visit) -> Response:
    """The list alone."""
    return html(visit, "tables/_list.html", page=await _tables(visit))


async def _tables(visit: Visit) -> Any:
    wanted = {"limit": _LISTED, "offset": visit.query.get("offset", 0)}
    return await visit.call(tables.list_, visit.command(PageQuery, wanted))


async def targets(visit: Visit) -> list[tuple[str, str]]:
    """The tables that a column may relate to."""
    found = await visit.call(tables.list_, PageQuery(limit=MAXIMUM_LIMIT))
    return [("", "none"), *((str(table.id), table.name) for table in found.items)]


async def new(visit: Visit) -> Response:
    """The form for a table."""
    return await _builder(visit, "", _FIRST)


async def draft(visit: Visit) -> Response:
    """The form after a column was added, moved or taken away; nothing is stored yet."""
    sent = await visit.form_lists()
    rows = changed(rows_of(sent, NAMES, "column"), _last(sent, "do"), _FRESH)
    return await _builder(visit, _last(sent, "name"), rows, template="_columns" if visit.is_htmx else "new")


async def _builder(
    visit: Visit, name: str, rows: list[Row], problems: Problems | None = None, template: str = "new"
) -> Response:
    facts = {"name": name, "rows": rows, "kinds": KINDS, "targets": await targets(visit)}
    status = 422 if problems else 200
    return html(visit, f"tables/{template}.html", status=status, problems=problems or Problems(), **facts)


def _last(sent: dict[str, list[str]], name: str) -> str:
    return sent.get(name, [""])[-1]


async def create(visit: Visit) -> Response:
    """Create a table."""
    sent = await visit.form_lists()
    rows = rows_of(sent, NAMES, "column")
    try:
        values = {"name": _last(sent, "name"), "columns": [new_column(row) for row in rows if row["name"].strip()]}
        made = await visit.call(tables.create, visit.command(tables.CreateTable, values))
    except InterlockError as error:
        return await _builder(visit, _last(sent, "name"), rows, problems_of(error))
    return go(visit, f"/tables/{made.id}", said=f"{made.name} is ready for rows.")


def new_column(row: Row) -> dict[str, Any]:
    """A column as the operation takes it: only what belongs to its type."""
    kind = row["type"]
    values: dict[str, Any] = {"name": row["name"].strip(), "type": kind, "required": row["required"] == "true"}
    if kind == ColumnType.SELECT:
        values["options"] = lines(row["options"]) or None
    if kind == ColumnType.COMPUTED:
        values["formula"] = row["formula"]
    if kind == ColumnType.RELATION and row["table_id"]:
        values["table_id"] = row["table_id"]
    return values


async def columns(visit: Visit) -> Response:
    """The columns of a table, each to change."""
    return await _columns(visit)


async def _columns(
    visit: Visit, problems: Problems | None = None, about: str = "", sent: Row | None = None
) -> Response:
    """The page; with problems, beside the column they are about.

    Args:
        about: the column that the problems are about; empty for a new one.
        sent: what was typed.
    """
    table = await visit.call(tables.get, visit.command(tables.TableRef, {}, "table_id"))
    facts = {"kinds": KINDS, "targets": await targets(visit), "problems": problems or Problems(), "about": about}
    status = 422 if problems else 200
    return html(
        visit, "tables/columns.html", status=status, table=table, sent=sent, fresh=_FRESH, row_of=_row_of, **facts
    )


def _row_of(table: Table) -> list[tuple[str, Row]]:
    return [
        (
            column.name,
            {
                "name": column.name,
                "type": column.type.value,
                "options": "\n".join(column.options or ()),
                "formula": column.formula or "",
                "table_id": str(column.table_id or ""),
                "required": "true" if column.required else "",
            },
        )
        for column in table.columns
    ]


async def add_column(visit: Visit) -> Response:
    """Add a column."""
    row = rows_of(await visit.form_lists(), NAMES, "column")[0:1] or [_FRESH]
    return await _update(visit, {"add_columns": [new_column(row[0])]}, "Added.", "", row[0])


async def change_column(visit: Visit) -> Response:
    """Change a column; its values are converted, or the change is refused and says which do not fit."""
    sent = await visit.form_lists()
    name, row = _last(sent, "column"), (rows_of(sent, NAMES, "column")[0:1] or [_FRESH])[0]
    change = {**new_column(row), "name": name, "new_name": row["name"].strip()}
    return await _update(visit, {"change_columns": [change]}, "Changed.", name, row)


async def remove_column(visit: Visit) -> Response:
    """Remove a column with its values."""
    name = (await visit.form()).get("column", "")
    return await _update(visit, {"remove_columns": [name]}, f"{name} is removed.", name, None)


async def rename(visit: Visit) -> Response:
    """Rename a table."""
    values = {"name": (await visit.form()).get("name", "")}
    return await _update(visit, values, "Renamed.", "the table", None)


async def _update(visit: Visit, values: dict[str, Any], said: str, about: str, row: Row | None) -> Response:
    try:
        table = await visit.call(tables.update, visit.command(tables.UpdateTable, values, "table_id"))
    except InterlockError as error:
        found = problems_of(error)
        told = Problems(notice=found.notice or " ".join(found.fields.values()))
        return await _columns(visit, told, about, row)
    return go(visit, f"/tables/{table.id}/columns", said=said)


async def delete(visit: Visit) -> Response:
    """Drop a table."""
    await visit.call(tables.delete, visit.command(tables.TableRef, {}, "table_id"))
    return go(visit, "/tables", said="The table is gone.")


ROUTES = (
    page("/tables", listed),
    page("/tables/_list", part),
    page("/tables/new", new),
    action("/tables/new", create),
    action("/tables/_draft", draft),
    page("/tables/{table_id}/columns", columns),
    action("/tables/{table_id}/columns/add", add_column),
    action("/tables/{table_id}/columns/change", change_column),
    action("/tables/{table_id}/columns/remove", remove_column),
    action("/tables/{table_id}/rename", rename),
    action("/tables/{table_id}/delete", delete),
)
