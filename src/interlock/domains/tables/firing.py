"""Triggers: which of a table's rules an event meets. Workflows that write rows may set off others; not for ever."""

from collections.abc import Mapping
from typing import Any

from interlock.domains.tables.columns import decode
from interlock.domains.tables.events import TableTriggerFired
from interlock.domains.tables.filters import Condition as CheckedCondition
from interlock.domains.tables.filters import matches
from interlock.domains.tables.repository import Triggers
from interlock.domains.tables.states import RowEvent
from interlock.domains.tables.views import RowId, Table, Trigger
from interlock.kit.ids import RunId
from interlock.runtime.context import Ctx

DEEPEST = 5
"""So many triggers may set off one another; the next is counted as stopped."""


async def fire(
    ctx: Ctx, table: Table, event: RowEvent, row_id: RowId, stored: Mapping[str, Any], *, depth: int
) -> None:
    """Tell of every trigger that this event meets."""
    if table.trigger_count == 0:
        return
    triggers = Triggers(ctx)
    for trigger in await triggers.of(table.id):
        if not trigger.enabled or trigger.event is not event or not matches(stored_conditions(table, trigger), stored):
            continue
        if depth >= DEEPEST:
            await triggers.count(trigger.id, stopped=1)
            continue
        await triggers.count(trigger.id, fired=1)
        await ctx.emit(
            TableTriggerFired(
                trigger_id=trigger.id,
                table_id=table.id,
                row_id=row_id,
                workflow_id=trigger.workflow_id,
                event=event,
                data=decode(table.columns, stored),
                depth=depth,
                run_id=RunId.new(),
            )
        )


def stored_conditions(table: Table, trigger: Trigger) -> tuple[CheckedCondition, ...]:
    """The conditions of a stored trigger; they name columns by key, so that renaming leaves them alone."""
    columns = {column.key: column for column in table.columns}
    return tuple(CheckedCondition(columns[each.column], each.operator, _frozen(each.value)) for each in trigger.filters)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
