"""One row: to fill in, to change without script, its history and the way back, to delete."""

from typing import Any

from starlette.responses import Response

from interlock.domains.tables import service as tables
from interlock.domains.tables.states import ColumnType
from interlock.domains.tables.views import Row, Table
from interlock.faces.dashboard.areas.tables.cells import WORDS, value_of
from interlock.faces.dashboard.areas.tables.grid import row_facts
from interlock.faces.dashboard.refusals import Problems, problems_of
from interlock.faces.dashboard.render import go, html
from interlock.faces.dashboard.routing import action, page
from interlock.faces.dashboard.visits import Visit
from interlock.kit.errors import InterlockError, Kind


async def new(visit: Visit) -> Response:
    """The form for a row."""
    return await _form(visit, {})


async def _form(visit: Visit, sent: dict[str, str], problems: Problems | None = None) -> Response:
    table = await _table(visit)
    facts = {"table": table, "values": sent, "problems": problems or Problems(), "words": WORDS}
    return html(visit, "tables/new_row.html", status=422 if problems else 200, ColumnType=ColumnType, **facts)


async def _table(visit: Visit) -> Table:
    return await visit.call(tables.get, visit.command(tables.TableRef, {}, "table_id"))


async def append(visit: Visit) -> Response:
    """Add a row."""
    sent = await visit.form()
    table = await _table(visit)
    try:
        made = await visit.call(
            tables.append, visit.command(tables.AppendRow, {"data": _data(table, sent)}, "table_id")
        )
    except InterlockError as error:
        return await _form(visit, sent, _by_key(table, problems_of(error)))
    return go(visit, f"/tables/{table.id}/rows/{made.id}", said="Added.")


def _data(table: Table, sent: dict[str, str]) -> dict[str, Any]:
    return {
        column.name: value_of(column, sent[column.key])
        for column in table.columns
        if column.type is not ColumnType.COMPUTED and column.key in sent
    }


def _by_key(table: Table, found: Problems) -> Problems:
    """The operation names columns by their names, the form by their keys."""
    keys = {column.name: column.key for column in table.columns}
    fields = {keys.get(name.removeprefix("data."), name): text for name, text in found.fields.items()}
    unplaced = [text for name, text in fields.items() if name not in keys.values()]
    return Problems(fields, found.notice or " ".join(unplaced) or None)


async def shown(visit: Visit) -> Response:
    """One row with its history."""
    return await _detail(visit)


async def _detail(visit: Visit, sent: dict[str, str] | None = None, problems: Problems | None = None) -> Response:
    table, row = await _table(visit), await _row(visit)
    ref = visit.command(tables.RowRef, {}, "table_id", "row_id")
    facts = {"table": table, "row": row, "sent": sent, "problems": problems or Problems(), "words": WORDS}
    history = await visit.call(tables.row_history, ref)
    status = 422 if problems else 200
    return html(
        visit, "tables/row.html", status=status, history=history, row_id=ref.row_id, **facts, **row_facts(visit)
    )


async def _row(visit: Visit) -> Row | None:
    """The row; None for one that was deleted and is in the history still."""
    try:
        return await visit.call(tables.get_row, visit.command(tables.RowRef, {}, "table_id", "row_id"))
    except InterlockError as error:
        if error.kind is not Kind.NOT_FOUND:
            raise
        return None


async def change(visit: Visit) -> Response:
    """Change a row."""
    sent = await visit.form()
    table = await _table(visit)
    try:
        command = visit.command(tables.UpdateRow, {"data": _data(table, sent)}, "table_id", "row_id")
        await visit.call(tables.update_row, command)
    except InterlockError as error:
        return await _detail(visit, sent, _by_key(table, problems_of(error)))
    return go(visit, f"/tables/{table.id}/rows/{visit.path('row_id')}", said="Saved.")


async def back(visit: Visit) -> Response:
    """Put a row back to a former version."""
    values = {"version_id": (await visit.form()).get("version_id", "")}
    row = await visit.call(tables.rollback_row, visit.command(tables.RollBackRow, values, "table_id", "row_id"))
    return go(visit, f"/tables/{row.table_id}/rows/{row.id}", said="The row is as it was then.")


async def delete(visit: Visit) -> Response:
    """Delete a row; its history can bring it back."""
    ref = visit.command(tables.RowRef, {}, "table_id", "row_id")
    await visit.call(tables.delete_row, ref)
    return go(visit, f"/tables/{ref.table_id}/rows/{ref.row_id}", said="Deleted. Its history can bring it back.")


ROUTES = (
    page("/tables/{table_id}/rows/new", new),
    action("/tables/{table_id}/rows/new", append),
    page("/tables/{table_id}/rows/{row_id}", shown),
    action("/tables/{table_id}/rows/{row_id}", change),
    action("/tables/{table_id}/rows/{row_id}/back", back),
    action("/tables/{table_id}/rows/{row_id}/delete", delete),
)
