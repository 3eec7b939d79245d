"""Tables, columns and rows."""

import asyncio
from typing import Any

import pytest

from interlock.domains.tables import service as tables
from interlock.domains.tables.views import Row, RowPage, Table
from interlock.domains.workflows import service as workflows
from interlock.kit.errors import InterlockError, Kind
from interlock.runtime.invoke import invoke
from tests.support.app import Server

COLUMNS: list[dict[str, Any]] = [
    {"name": "Name", "type": "text", "required": True},
    {"name": "Amount", "type": "number"},
    {"name": "Status", "type": "select", "options": ["open", "paid"]},
    {"name": "Mail", "type": "email"},
    {"name": "Site", "type": "url"},
    {"name": "Due", "type": "date"},
    {"name": "Sent", "type": "boolean"},
]


async def call(server: Server, function: Any, **values: Any) -> Any:
    """Call an operation through the doorway with a command of plain values."""
    command = function.__annotations__["command"].model_validate(values)
    return await invoke(await server.ctx(), function, command)


async def made(server: Server, columns: list[dict[str, Any]] | None = None) -> Table:
    table: Table = await call(server, tables.create, name="Invoices", columns=columns or COLUMNS)
    return table


async def added(server: Server, table: Table, **data: Any) -> Row:
    row: Row = await call(server, tables.append, table_id=table.id, data=data)
    return row


async def listed(server: Server, table: Table, **query: Any) -> RowPage:
    page: RowPage = await call(server, tables.list_rows, table_id=table.id, **query)
    return page


async def refused(server: Server, function: Any, **values: Any) -> InterlockError:
    with pytest.raises(InterlockError) as caught:
        await call(server, function, **values)
    return caught.value


async def test_a_row_comes_back_whole_and_normalised(server: Server) -> None:
    table = await made(server)
    data = {"Name": "Ada", "Amount": 12.5, "Status": "open", "Mail": "ada@example.com", "Sent": False}
    row = await added(server, table, **data, Due="2026-01-31T12:00:00+02:00")
    assert row.data == {**data, "Due": "2026-01-31T10:00:00Z", "Site": None}
    assert (await call(server, tables.get_row, table_id=table.id, row_id=row.id)).data == row.data
    assert (await call(server, tables.get, table_id=table.id)).row_count == 1


@pytest.mark.parametrize(
    ("data", "column", "words"),
    [
        ({"Name": "x", "Sum": 1}, "Sum", "is not in this table"),
        ({}, "Name", "needs a value"),
        ({"Name": None}, "Name", "needs a value"),
        ({"Name": 5}, "Name", "takes text, not 5"),
        ({"Name": "x", "Amount": "5"}, "Amount", "takes a number"),
        ({"Name": "x", "Amount": True}, "Amount", "takes a number"),
        ({"Name": "x", "Amount": 2**70}, "Amount", "takes a number"),
        ({"Name": "x", "Status": "lost"}, "Status", "takes one of 'open', 'paid', not 'lost'"),
        ({"Name": "x", "Mail": "ada"}, "Mail", "takes an e-mail address"),
        ({"Name": "x", "Site": "ftp://x"}, "Site", "http://"),
        ({"Name": "x", "Due": "soon"}, "Due", "takes a date"),
        ({"Name": "x", "Sent": "yes"}, "Sent", "takes true or false"),
    ],
)
async def test_a_wrong_value_names_its_column_and_leaves_no_trace(
    server: Server, data: dict[str, Any], column: str, words: str
) -> None:
    table = await made(server)
    error = await refused(server, tables.append, table_id=table.id, data=data)
    assert (error.kind, error.data["column"]) == (Kind.INVALID, column)
    assert words in error.message
    assert (await listed(server, table)).total == 0


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ([{"name": "A", "type": "text"}, {"name": "a", "type": "text"}], "is there twice"),
        ([{"name": "A", "type": "computed", "formula": "{{B}} + 1"}], "over 'B', which is no column"),
        ([{"name": "A", "type": "relation", "table_id": "tbl_01h455vb4pex5vsknk084sn02q"}], "is no table"),
    ],
)
async def test_columns_that_cannot_stand_together_are_refused(
    server: Server, columns: list[dict[str, Any]], words: str
) -> None:
    error = await refused(server, tables.create, name="x", columns=columns)
    assert words in error.message


async def test_simultaneous_appends_keep_the_count_and_the_places(server: Server) -> None:
    table = await made(server)
    await asyncio.gather(*(added(server, table, Name=str(number)) for number in range(40)))
    page = await listed(server, table, limit=100)
    assert (page.total, len(page.rows)) == (40, 40)
    assert [row.position for row in page.rows] == list(range(40))
    await asyncio.gather(
        *(call(server, tables.delete_row, table_id=table.id, row_id=row.id) for row in page.rows[:15]),
        *(added(server, table, Name=f"new {number}") for number in range(10)),
    )
    page = await listed(server, table, limit=100)
    assert (page.total, len(page.rows)) == (35, 35)
    assert len({row.position for row in page.rows}) == 35


async def test_a_refused_append_inside_a_larger_unit_counts_nothing(server: Server) -> None:
    table = await made(server)
    async with (await server.ctx()).begin() as ctx:
        await tables.append(ctx, tables.AppendRow(table_id=table.id, data={"Name": "kept"}))
        with pytest.raises(InterlockError):
            await tables.append(ctx, tables.AppendRow(table_id=table.id, data={"Amount": 1}))
    page = await listed(server, table)
    assert (page.total, len(page.rows)) == (1, 1)


async def test_renaming_a_column_keeps_values_formulas_and_triggers(server: Server) -> None:
    columns = [*COLUMNS[:2], {"name": "Double", "type": "computed", "formula": "{{Amount}} * 2"}]
    table = await made(server, columns)
    row = await added(server, table, Name="Ada", Amount=4)
    filters = [{"column": "Amount", "operator": "gt", "value": "1"}]
    workflow = (await call(server, workflows.create, name="follow up")).id
    await call(
        server, tables.create_trigger, table_id=table.id, event="row_created", workflow_id=workflow, filters=filters
    )
    await call(server, tables.update, table_id=table.id, change_columns=[{"name": "Amount", "new_name": "Net price"}])
    assert (await call(server, tables.get_row, table_id=table.id, row_id=row.id)).data == {
        "Name": "Ada",
        "Net price": 4,
        "Double": 8,
    }
    (trigger,) = await call(server, tables.list_triggers, table_id=table.id)
    assert (trigger.filters[0].column, trigger.filters[0].value) == ("Net price", 1)


async def test_changing_a_type_converts_every_value_or_nothing(server: Server) -> None:
    table = await made(server)
    for amount in (1, 2.5, None):
        await added(server, table, Name="7", Amount=amount)
    change = [{"name": "Amount", "type": "text"}, {"name": "Name", "type": "number"}]
    await call(server, tables.update, table_id=table.id, change_columns=change)
    found = [(row.data["Name"], row.data["Amount"]) for row in (await listed(server, table)).rows]
    assert found == [(7, "1"), (7, "2.5"), (7, None)]
    await added(server, table, Name=8, Amount="many")
    error = await refused(
        server, tables.update, table_id=table.id, change_columns=[{"name": "Amount", "type": "number"}]
    )
    assert (error.code, error.data["count"]) == ("values_do_not_fit", 1)
    assert "'Amount' takes a number, not 'many'" in error.message
    assert (await listed(server, table)).rows[0].data["Amount"] == "1"


async def test_removing_a_column_takes_its_values_and_is_refused_while_it_is_needed(server: Server) -> None:
    columns = [*COLUMNS[:2], {"name": "Double", "type": "computed", "formula": "{{Amount}} * 2"}]
    table = await made(server, columns)
    await added(server, table, Name="Ada", Amount=4)
    error = await refused(server, tables.update, table_id=table.id, remove_columns=["Amount"])
    assert "over 'Amount'" in error.message
    await call(server, tables.update, table_id=table.id, remove_columns=["Amount", "Double"])
    await call(server, tables.update, table_id=table.id, add_columns=[{"name": "Amount", "type": "number"}])
    assert (await listed(server, table)).rows[0].data == {"Name": "Ada", "Amount": None}


async def test_a_relation_points_at_a_row_that_is_there(server: Server) -> None:
    people = await made(server)
    ada = await added(server, people, Name="Ada")
    relation = {"name": "Who", "type": "relation", "table_id": str(people.id)}
    orders = await made(server, [{"name": "What", "type": "text"}, relation])
    row = await added(server, orders, Who=str(ada.id))
    assert row.data["Who"] == str(ada.id)
    for wrong in (str(row.id), "row_01h455vb4pex5vsknk084sn02q", "ada"):
        error = await refused(server, tables.append, table_id=orders.id, data={"Who": wrong})
        assert error.data["column"] == "Who"
    await call(server, tables.delete_row, table_id=people.id, row_id=ada.id)
    await call(server, tables.update_row, table_id=orders.id, row_id=row.id, data={"What": "kept"})


async def test_history_keeps_what_was_and_brings_it_back(server: Server) -> None:
    table = await made(server)
    row = await added(server, table, Name="first", Amount=1)
    where = {"table_id": table.id, "row_id": row.id}
    await call(server, tables.update_row, **where, data={"Name": "second", "Amount": None})
    await call(server, tables.delete_row, **where)
    deleted, updated = await call(server, tables.row_history, **where)
    assert (updated.data["Name"], updated.event, updated.actor.partition(":")[0]) == ("first", "row_updated", "key")
    assert (deleted.data["Name"], deleted.data["Amount"], deleted.event) == ("second", None, "row_deleted")
    back = await call(server, tables.rollback_row, **where, version_id=updated.id)
    assert (back.id, back.data["Name"], back.data["Amount"], back.position) == (row.id, "first", 1, row.position)
    assert (await listed(server, table)).total == 1
    await call(server, tables.rollback_row, **where, version_id=deleted.id)
    assert [version.data["Name"] for version in await call(server, tables.row_history, **where)][:1] == ["first"]


async def test_dropping_a_table_drops_all_that_is_in_it(server: Server) -> None:
    table = await made(server)
    row = await added(server, table, Name="x")
    await call(server, tables.update_row, table_id=table.id, row_id=row.id, data={"Name": "y"})
    await call(server, tables.delete, table_id=table.id)
    assert (await refused(server, tables.get_row, table_id=table.id, row_id=row.id)).kind is Kind.NOT_FOUND
    assert (await refused(server, tables.row_history, table_id=table.id, row_id=row.id)).kind is Kind.NOT_FOUND
