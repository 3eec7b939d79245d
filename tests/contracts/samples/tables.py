"""Samples of tables."""

import os
import tempfile
from pathlib import Path
from typing import Any

from tests.contracts.world import Build, Sample, World, nothing, reference, unique

COLUMNS: list[dict[str, Any]] = [
    {"name": "Name", "type": "text", "required": True},
    {"name": "Amount", "type": "number"},
    {"name": "Double", "type": "computed", "formula": "{{Amount}} * 2"},
]


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
    workflow = await world.made("workflows.create")
    return Sample({"table_id": table, "event": "row_created", "workflow_id": workflow, "filters": filters})


async def _trigger(world: World) -> Sample:
    trigger = await world.run("tables.create_trigger")
    return Sample({"table_id": trigger.table_id, "trigger_id": trigger.id})


async def _update_trigger(world: World) -> Sample:
    return Sample({**(await _trigger(world)).payload, "enabled": False})


def _file() -> Path:
    """A file as a face would have received it."""
    descriptor, name = tempfile.mkstemp()
    with os.fdopen(descriptor, "wb") as file:
        file.write(b"Name,Amount\nAda,1\n")
    return Path(name)


async def _import_file(_world: World) -> Sample:
    return Sample({"name": unique("import"), "file": _file(), "filename": "people.csv"})


async def _import(world: World) -> Sample:
    found = await world.run("tables.import_file")
    return Sample({"table_id": found.table_id, "import_id": found.id})


SAMPLES: dict[str, Build] = {
    "tables.append": _append,
    "tables.create": _create,
    "tables.create_trigger": _create_trigger,
    "tables.delete": reference("table_id", "tables.create"),
    "tables.delete_row": _row,
    "tables.delete_trigger": _trigger,
    "tables.export": reference("table_id", "tables.create"),
    "tables.get": reference("table_id", "tables.create"),
    "tables.get_import": _import,
    "tables.get_row": _row,
    "tables.import_events": _import,
    "tables.import_file": _import_file,
    "tables.import_problems": _import,
    "tables.list": nothing,
    "tables.list_imports": reference("table_id", "tables.create"),
    "tables.list_rows": reference("table_id", "tables.create"),
    "tables.list_triggers": reference("table_id", "tables.create"),
    "tables.rollback_row": _rollback,
    "tables.row_history": _row,
    "tables.update": _update,
    "tables.update_row": _update_row,
    "tables.update_trigger": _update_trigger,
}

BY_HAND = {
    "tables.export": ("GET", "/api/v1/tables/{table_id}/export"),
    "tables.import_events": ("GET", "/api/v1/tables/{table_id}/imports/{import_id}/events"),
    "tables.import_file": ("POST", "/api/v1/tables/{table_id}/import"),
}
STREAMS = {"tables.export": "TableExport"}
