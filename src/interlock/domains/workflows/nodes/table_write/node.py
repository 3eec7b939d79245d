"""A row of a table, added or changed exactly once."""

from functools import partial

from interlock.domains.tables import service as tables
from interlock.domains.workflows.commanding import command
from interlock.domains.workflows.manifest import NodeFailed, Outcome, Work
from interlock.domains.workflows.nodes.table_write.manifest import Config
from interlock.runtime.context import Ctx
from interlock.runtime.durable import Json


async def run(work: Work, config: Config) -> Outcome:
    """Write the row; as it now stands it is the output."""
    data = work.data if config.row is None else work.filled(config.row)
    if not isinstance(data, dict):
        raise NodeFailed("A row is an object of values by column name; the input is none.", may_retry=False)
    if config.row_id is None:
        added = command(tables.AppendRow, table_id=config.table_id, data=data)
        return Outcome(await work.transact(partial(_append, work, added), "append"))
    changed = command(tables.UpdateRow, table_id=config.table_id, row_id=work.text(config.row_id), data=data)
    return Outcome(await work.transact(partial(_change, work, changed), "change"))


async def _append(work: Work, wanted: tables.AppendRow, ctx: Ctx) -> Json:
    row = await tables.append_row(work.run.within(ctx), wanted, depth=work.run.depth + 1)
    return row.model_dump(mode="json")


async def _change(work: Work, wanted: tables.UpdateRow, ctx: Ctx) -> Json:
    row = await tables.change_row(work.run.within(ctx), wanted, depth=work.run.depth + 1)
    return row.model_dump(mode="json")
