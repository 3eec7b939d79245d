"""Filters mean the same to the database and in memory; sorting and search."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.domains.tables import service as tables
from interlock.domains.tables.filters import Filter, checked_filters, matches
from interlock.domains.tables.repository import Rows
from interlock.domains.tables.states import FilterOperator
from interlock.domains.tables.views import Table
from tests.domains.tables.test_tables import added, call, listed, made, refused
from tests.support.app import Server

WORDS = ["", "a", "A", "abc", "ABC", "ä", "Ä", "%", "_", "a_c", "\\", "é", "zebra", "10", "9"]
COLUMNS: list[dict[str, Any]] = [
    {"name": "Text", "type": "text"},
    {"name": "Number", "type": "number"},
    {"name": "Flag", "type": "boolean"},
    {"name": "Day", "type": "date"},
    {"name": "Pick", "type": "select", "options": ["x", "y", "Z"]},
]
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "Text": st.sampled_from(WORDS),
    "Number": st.sampled_from([0, 1, -1, 2, 10, 9, 0.5, 2.0, 1e20, 2**53 + 1]),
    "Flag": st.booleans(),
    "Day": st.sampled_from(["2026-01-31", "2026-01-31T12:00:00Z", "2025-12-31", "2026-02-01"]),
    "Pick": st.sampled_from(["x", "y", "Z"]),
}
TEXTUAL = ("Text", "Day", "Pick")
ORDERED = [FilterOperator.GT, FilterOperator.GTE, FilterOperator.LT, FilterOperator.LTE]


@st.composite
def filters(draw: st.DrawFn) -> Filter:
    column = draw(st.sampled_from(list(VALUES)))
    usual = [FilterOperator.EQ, FilterOperator.NE, FilterOperator.IN]
    usual += [FilterOperator.IS_EMPTY, FilterOperator.IS_NOT_EMPTY]
    usual += [FilterOperator.CONTAINS, FilterOperator.STARTS_WITH] if column in TEXTUAL else []
    usual += ORDERED if column != "Flag" else []
    operator = draw(st.sampled_from(usual))
    value = VALUES[column].filter(lambda found: found != "")
    if operator is FilterOperator.IN:
        return Filter(column=column, operator=operator, value=draw(st.lists(value, min_size=1, max_size=3)))
    if operator in {FilterOperator.CONTAINS, FilterOperator.STARTS_WITH}:
        return Filter(column=column, operator=operator, value=draw(st.sampled_from(WORDS)))
    return Filter(column=column, operator=operator, value=draw(value))


async def filled(server: Server) -> Table:
    """A table in which every value of every column occurs, alone and beside others, and a row of nothing."""
    table = await made(server, COLUMNS)
    await added(server, table)
    samples: dict[str, list[Any]] = {
        "Text": WORDS,
        "Number": [0, 1, -1, 2, 10, 9, 0.5, 2.0, 1e20, 2**53 + 1],
        "Flag": [True, False],
        "Day": ["2026-01-31", "2026-01-31T12:00:00Z", "2025-12-31", "2026-02-01"],
        "Pick": ["x", "y", "Z"],
    }
    for place in range(15):
        await added(server, table, **{name: found[place % len(found)] for name, found in samples.items()})
        await added(server, table, **{name: found[place] for name, found in samples.items() if place < len(found)})
    return table


@pytest.fixture(scope="module")
def drawn() -> list[list[Filter]]:
    """Filters of every kind, drawn before a server's own threads are at work."""
    found: list[list[Filter]] = []

    @settings(max_examples=250, database=None)
    @given(st.lists(filters(), min_size=1, max_size=3))
    def keep(chosen: list[Filter]) -> None:
        found.append(chosen)

    keep()
    return found


async def test_a_filter_means_the_same_everywhere(drawn: list[list[Filter]], server: Server) -> None:
    table = await filled(server)
    async with (await server.ctx()).begin(write=False) as ctx:
        stored = await Rows(ctx, table.id).after(-1, 0)
        for chosen in drawn:
            conditions = checked_filters(table.columns, chosen)
            wanted = [row.id for row in stored if matches(conditions, row.data)]
            command = tables.ListRows(table_id=table.id, limit=1000, filters=tuple(chosen))
            page = await tables.list_rows(ctx, command)
            assert ([row.id for row in page.rows], page.total) == (wanted, len(wanted)), chosen


@pytest.mark.parametrize("name", ["Text", "Number", "Day", "Flag"])
async def test_sorting_is_by_code_point_and_size_with_empty_ones_last(server: Server, name: str) -> None:
    table = await filled(server)
    values = [row.data[name] for row in (await listed(server, table, limit=1000)).rows]
    present, empty = [value for value in values if value is not None], [value for value in values if value is None]
    up = await listed(server, table, limit=1000, sort=[name])
    assert [row.data[name] for row in up.rows] == [*sorted(present), *empty]
    down = await listed(server, table, limit=1000, sort=[f"-{name}"])
    assert [row.data[name] for row in down.rows] == [*sorted(present, reverse=True), *empty]


async def test_search_looks_into_every_column_of_text(server: Server) -> None:
    table = await made(server, COLUMNS)
    await added(server, table, Text="Über 100%", Pick="x")
    await added(server, table, Text="nothing", Pick="Z")
    assert [row.data["Pick"] for row in (await listed(server, table, search="über")).rows] == ["x"]
    assert (await listed(server, table, search="0%")).total == 1
    assert (await listed(server, table, search="z")).total == 1
    assert (await listed(server, table, search="_")).total == 0


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"column": "Lost", "operator": "eq", "value": 1}, "Its columns: Text"),
        ({"column": "Number", "operator": "contains", "value": "1"}, "holds no text"),
        ({"column": "Number", "operator": "gt", "value": "many"}, "takes a number"),
        ({"column": "Flag", "operator": "gt", "value": True}, "has no order"),
        ({"column": "Text", "operator": "eq", "value": None}, "Use is_empty"),
        ({"column": "Text", "operator": "in", "value": "x"}, "needs a list"),
        ({"column": "Text", "operator": "contains", "value": 5}, "as text"),
    ],
)
async def test_a_filter_that_cannot_be_says_why(server: Server, given: dict[str, Any], words: str) -> None:
    table = await made(server, COLUMNS)
    error = await refused(server, tables.list_rows, table_id=table.id, filters=[given])
    assert words in f"{error.message} {error.hint}"


async def test_filters_come_as_json_in_the_query_or_in_a_body(server: Server) -> None:
    table = await made(server, COLUMNS)
    for number in range(5):
        await added(server, table, Number=number, Text=str(number))
    path = f"/api/v1/tables/{table.id}/rows"
    by_query = await server.get(
        path,
        filters=['{"column":"Number","operator":"gte","value":1}', '{"column":"Text","operator":"ne","value":"3"}'],
        sort="-Number",
        limit=2,
    )
    assert by_query.status_code == 200, by_query.text
    assert [row["data"]["Number"] for row in by_query.json()["rows"]] == [4, 2]
    assert by_query.json()["total"] == 3
    body = {"filters": [{"column": "Number", "operator": "in", "value": [1, 4]}]}
    assert (await server.post(f"{path}/query", body)).json()["total"] == 2
    assert (await server.get(path, filters="nonsense")).status_code == 422
    await call(server, tables.delete, table_id=table.id)
