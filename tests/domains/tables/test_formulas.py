"""Computed columns and triggers."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.domains.tables import service as tables
from interlock.domains.tables.columns import decode
from interlock.domains.tables.events import TableTriggerFired
from interlock.domains.tables.formulas import compile_formulas
from interlock.domains.tables.states import ColumnType
from interlock.domains.tables.views import Column
from interlock.domains.workflows import service as workflows
from interlock.runtime.context import Ctx
from tests.domains.tables.test_tables import added, call, listed, made
from tests.support.app import Server

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def computed(formulas: dict[str, str], rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of numbers with these formulas filled in, over all of them."""
    stored = [
        Column(key="c1", name="A", type=ColumnType.NUMBER),
        Column(key="c2", name="Unit price", type=ColumnType.NUMBER),
    ]
    more = [
        Column(key=f"c{n}", name=name, type=ColumnType.COMPUTED, formula=text)
        for n, (name, text) in enumerate(formulas.items(), 3)
    ]
    columns = (*stored, *more)
    page = [decode(columns, {column.key: row.get(column.name) for column in stored}) for row in rows]
    compiled = compile_formulas(columns)
    assert compiled is not None
    compiled.compute(page, [dict(row) for row in page], NOW)
    return [{name: row[name] for name in formulas} for row in page]


ROWS: list[dict[str, Any]] = [{"A": 2, "Unit price": 1.5}, {"A": 4, "Unit price": None}, {"A": 0, "Unit price": 10}]


@pytest.mark.parametrize(
    ("formulas", "expected"),
    [
        ({"X": "{{A}} * ({{Unit price}} ?? 0)"}, [{"X": 3.0}, {"X": 0}, {"X": 0}]),
        ({"X": "{{A}} * {{Unit price}}"}, [{"X": 3.0}, {"X": "#ERROR"}, {"X": 0}]),
        ({"X": "1 / {{A}}"}, [{"X": 0.5}, {"X": 0.25}, {"X": None}]),
        ({"X": "sum({{A}})"}, [{"X": 6}] * 3),
        ({"X": "{{A}} / sum({{A}})"}, [{"X": 1 / 3}, {"X": 2 / 3}, {"X": 0}]),
        ({"X": "avg({{Unit price}})"}, [{"X": 5.75}] * 3),
        ({"X": "count({{Unit price}})"}, [{"X": 2}] * 3),
        ({"X": "max({{A}}, 3)"}, [{"X": 3}, {"X": 4}, {"X": 3}]),
        ({"X": "sum({{A}} * 2)"}, [{"X": 12}] * 3),
        ({"Y": "max({{X}})", "X": "{{A}} + 1"}, [{"Y": 5, "X": 3}, {"Y": 5, "X": 5}, {"Y": 5, "X": 1}]),
        ({"X": "sum({{A}} - avg({{A}}))"}, [{"X": 0}] * 3),
        ({"X": "{{Y}}", "Y": "{{X}}", "Z": "{{X}}"}, [{"X": "#CYCLE", "Y": "#CYCLE", "Z": "#ERROR"}] * 3),
        ({"X": "{{X}} + 1"}, [{"X": "#CYCLE"}] * 3),
        ({"X": "sum({{X}})"}, [{"X": "#CYCLE"}] * 3),
        (
            {"X": "{{A}} + {{Unit price}}", "Y": "sum({{X}})"},
            [{"X": 3.5, "Y": "#ERROR"}, {"X": "#ERROR", "Y": "#ERROR"}, {"X": 10, "Y": "#ERROR"}],
        ),
        ({"X": "if({{A}} > 1, concat('n', {{A}}), null)"}, [{"X": "n2"}, {"X": "n4"}, {"X": None}]),
        ({"X": "daysBetween('2026-01-01', today())"}, [{"X": 30}] * 3),
    ],
)
def test_a_formula_gives(formulas: dict[str, str], expected: list[dict[str, Any]]) -> None:
    assert computed(formulas, ROWS) == expected


@given(st.lists(st.integers(-1000, 1000) | st.none(), max_size=8))
def test_aggregates_agree_with_python(values: list[int | None]) -> None:
    formulas = {"S": "sum({{A}})", "N": "count({{A}})", "L": "min({{A}})", "G": "max({{A}})"}
    present = [value for value in values if value is not None]
    expected = {
        "S": sum(present),
        "N": len(present),
        "L": min(present, default=None),
        "G": max(present, default=None),
    }
    assert computed(formulas, [{"A": value} for value in values]) == [expected] * len(values)


async def test_formulas_over_all_rows_are_shown_when_rows_are_read(server: Server) -> None:
    columns = [
        {"name": "A", "type": "number"},
        {"name": "Double", "type": "computed", "formula": "{{A}} * 2"},
        {"name": "Share", "type": "computed", "formula": "{{A}} / sum({{A}})"},
    ]
    table = await made(server, columns)
    first = await added(server, table, A=1)
    assert first.data == {"A": 1, "Double": 2}
    await added(server, table, A=3)
    page = await listed(server, table, limit=1, offset=1)
    assert page.rows[0].data == {"A": 3, "Double": 6, "Share": 0.75}


async def test_a_trigger_tells_of_rows_that_meet_it_and_stops_at_its_depth(server: Server) -> None:
    heard: asyncio.Queue[TableTriggerFired] = asyncio.Queue()

    async def hear(_ctx: Ctx, event: TableTriggerFired) -> None:
        heard.put_nowait(event)

    server.runtime.jobs.subscribe(TableTriggerFired, "tests.hear", hear)
    table = await made(server, [{"name": "A", "type": "number"}])
    workflow = (await call(server, workflows.create, name="follow up")).id
    big = [{"column": "A", "operator": "gt", "value": 10}]
    trigger = await call(
        server, tables.create_trigger, table_id=table.id, event="row_created", workflow_id=workflow, filters=big
    )
    changed = await call(server, tables.create_trigger, table_id=table.id, event="row_updated", workflow_id=workflow)
    await added(server, table, A=5)
    row = await added(server, table, A=50)
    await call(server, tables.update_row, table_id=table.id, row_id=row.id, data={"A": 50})
    await call(server, tables.update_trigger, table_id=table.id, trigger_id=changed.id, enabled=False)
    await call(server, tables.update_row, table_id=table.id, row_id=row.id, data={"A": 60})
    async with (await server.ctx()).begin() as ctx:
        command = tables.AppendRow(table_id=table.id, data={"A": 70})
        await tables.append_row(ctx, command, depth=4)
        await tables.append_row(ctx, command, depth=5)
    counts = await call(server, tables.list_triggers, table_id=table.id)
    assert [(each.fired_count, each.stopped_count) for each in counts] == [(2, 1), (0, 0)]
    assert counts[0].last_fired_at is not None
    events = [await asyncio.wait_for(heard.get(), 30) for _ in range(2)]
    assert {(event.data["A"], event.depth, event.trigger_id) for event in events} == {
        (50, 0, trigger.id),
        (70, 4, trigger.id),
    }
    assert {event.workflow_id for event in events} == {workflow}
    await call(server, tables.delete_trigger, table_id=table.id, trigger_id=trigger.id)
    await added(server, table, A=80)
    assert len(await call(server, tables.list_triggers, table_id=table.id)) == 1
    assert heard.empty()
