"""Samples of tables."""

from typing import Any

from tests.contracts.world import Build, Sample, World, nothing, reference, unique

COLUMNS: list[dict[str, Any]] = [
    {"name": "Name", "type": "text", "required": True},
    {"name": "Amount", "type": "number"},
    {"name": "Double", "type": "computed", "formula": "{{Amount}} * 2"},
]
WORKFLOW = "wf_01h455vb4pex5vsknk084sn02q"


async def _create(_world: World) -> Sample:
    return Sample({"name": unique("table"), "columns": COLUMNS})


async def _update(world: World) -> Sample:
    changed = [{"name": "Amount", "new_name": "Sum"}]
    return Sample({"table_id": await world.made("tables.create"), "name": "Renamed", "change_columns": changed})


async def _append(world: World) -> Sample:
    return Sample({"table_id": await world.made("tables.create"), "data": {"Name": "Ada", "Amount": 2}})


async def _row(world: World) -> Sample:
    row = await world.run("tables.append")
    return Sample({"table_id": row.table_id, "row_id": row.id})


async def _update_row(world: World) -> Sample:
    return Sample({**(await _row(world)).payload, "data": {"Amount": 3}})


async def _rollback(world: World) -> Sample:
    row = (await _row(world)).payload
    await world.call("tables.update_row", {**row, "data": {"Amount": 3}})
    version = (await world.call("tables.row_history", row))[0]
    return Sample({**row, "version_id": version.id})


async def _create_trigger(world: World) -> Sample:
    table = await world.made("tables.create")
    filters = [{"column": "Amount", "operator": "gt", "value": 10}]
    return Sample({"table_id": table, "event": "row_created", "workflow_id": WORKFLOW, "filters": filters})


async def _trigger(world: World) -> Sample:
    trigger = await world.run("tables.create_trigger")
    return Sample({"table_id": trigger.table_id, "trigger_id": trigger.id})


async def _update_trigger(world: World) -> Sample:
    return Sample({**(await _trigger(world)).payload, "enabled": False})


SAMPLES: dict[str, Build] = {
    "tables.append": _append,
    "tables.create": _create,
    "tables.create_trigger": _create_trigger,
    "tables.delete": reference("table_id", "tables.create"),
    "tables.delete_row": _row,
    "tables.delete_trigger": _trigger,
    "tables.get": reference("table_id", "tables.create"),
    "tables.get_row": _row,
    "tables.list": nothing,
    "tables.list_rows": reference("table_id", "tables.create"),
    "tables.list_triggers": reference("table_id", "tables.create"),
    "tables.rollback_row": _rollback,
    "tables.row_history": _row,
    "tables.update": _update,
    "tables.update_row": _update_row,
    "tables.update_trigger": _update_trigger,
}
