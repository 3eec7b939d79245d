"""Rows of a table."""

from functools import partial

from interlock.domains.tables import service as tables
from interlock.domains.workflows.commanding import command
from interlock.domains.workflows.manifest import Outcome, Work
from interlock.domains.workflows.nodes.table_read.manifest import Config
from interlock.runtime.context import Ctx
from interlock.runtime.durable import Json


async def run(work: Work, config: Config) -> Outcome:
    """Read; the rows and the count of all that match are the output."""
    filters = [
        {"column": each.column, "operator": each.operator, "value": work.filled(each.value)} for each in config.filters
    ]
    wanted = command(
        tables.ListRows,
        table_id=config.table_id,
        filters=filters,
        sort=config.sort,
        search=work.text(config.search),
        limit=config.limit,
    )
    return Outcome(await work.transact(partial(_read, work, wanted), "read"))


async def _read(work: Work, wanted: tables.ListRows, ctx: Ctx) -> Json:
    page = await tables.list_rows(work.run.within(ctx), wanted)
    return {"rows": [row.model_dump(mode="json") for row in page.rows], "total": page.total}
