"""Operations on triggers: start a workflow when something happens to a row."""

from collections.abc import Sequence
from typing import Any

from interlock.domains.tables.filters import Filter, Filters, checked_filters
from interlock.domains.tables.repository import Tables, Triggers
from interlock.domains.tables.states import RowEvent
from interlock.domains.tables.views import Table, TableId, Trigger, TriggerId
from interlock.domains.tables.workflows import require_workflow
from interlock.kit.errors import conflict, invalid, not_found
from interlock.kit.ids import WorkflowId
from interlock.kit.operations import Command, Effect, operation
from interlock.kit.patch import changes
from interlock.runtime.context import Ctx

MOST_TRIGGERS = 50


class CreateTrigger(Command):
    """When to start which workflow."""

    table_id: TableId
    event: RowEvent
    workflow_id: WorkflowId
    filters: Filters = ()
    enabled: bool = True


class ListTriggers(Command):
    """Of which table."""

    table_id: TableId


class TriggerRef(Command):
    """Which trigger."""

    table_id: TableId
    trigger_id: TriggerId


class UpdateTrigger(TriggerRef):
    """What to change; absent fields stay."""

    event: RowEvent | None = None
    workflow_id: WorkflowId | None = None
    filters: Filters | None = None
    enabled: bool | None = None


@operation("tables.create_trigger", scope="tables", effect=Effect.WRITE)
async def create_trigger(ctx: Ctx, command: CreateTrigger) -> Trigger:
    """Start a workflow whenever something happens to a row that meets the filters."""
    tables = Tables(ctx)
    table = await tables.locked(command.table_id)
    await require_workflow(ctx, command.workflow_id)
    if table.trigger_count >= MOST_TRIGGERS:
        raise conflict(f"A table has at most {MOST_TRIGGERS} triggers.", hint="Delete one that is not needed.")
    await tables.count_triggers(table.id, 1)
    trigger = await Triggers(ctx).add(
        TriggerId.new(),
        table_id=table.id,
        event=command.event,
        filters=_stored(table, command.filters),
        workflow_id=command.workflow_id,
        enabled=command.enabled,
        fired_count=0,
        stopped_count=0,
        last_fired_at=None,
        created_at=ctx.now,
    )
    return _shown(table, trigger)


@operation("tables.list_triggers", scope="tables")
async def list_triggers(ctx: Ctx, command: ListTriggers) -> tuple[Trigger, ...]:
    """List a table's triggers with how often they fired."""
    table = await Tables(ctx).get(command.table_id)
    return tuple(_shown(table, trigger) for trigger in await Triggers(ctx).of(table.id))


@operation("tables.update_trigger", scope="tables", effect=Effect.WRITE)
async def update_trigger(ctx: Ctx, command: UpdateTrigger) -> Trigger:
    """Change a trigger, or switch it off and on."""
    table = await Tables(ctx).locked(command.table_id)
    triggers = Triggers(ctx)
    await _of_table(triggers, command)
    values = changes(command, "table_id", "trigger_id")
    for name, value in values.items():
        if value is None:
            raise invalid(f"'{name}' cannot be null; leave it out to keep it.", field=name)
    if command.workflow_id is not None:
        await require_workflow(ctx, command.workflow_id)
    if command.filters is not None:
        values["filters"] = _stored(table, command.filters)
    return _shown(table, await triggers.change(command.trigger_id, values))


@operation("tables.delete_trigger", scope="tables", effect=Effect.WRITE)
async def delete_trigger(ctx: Ctx, command: TriggerRef) -> TriggerId:
    """Delete a trigger."""
    tables = Tables(ctx)
    table = await tables.locked(command.table_id)
    triggers = Triggers(ctx)
    await _of_table(triggers, command)
    await triggers.remove(command.trigger_id)
    await tables.count_triggers(table.id, -1)
    return command.trigger_id


async def _of_table(triggers: Triggers, command: TriggerRef) -> None:
    trigger = await triggers.get(command.trigger_id)
    if trigger.table_id != command.table_id:
        raise not_found("trigger", command.trigger_id)


def _stored(table: Table, filters: Sequence[Filter]) -> list[dict[str, Any]]:
    """Filters by column key, their values in the columns' types."""
    return [
        {"column": condition.column.key, "operator": condition.operator.value, "value": condition.value}
        for condition in checked_filters(table.columns, filters)
    ]


def _shown(table: Table, trigger: Trigger) -> Trigger:
    """The trigger with its filters by column name."""
    names = {column.key: column.name for column in table.columns}
    filters = tuple(each.model_copy(update={"column": names[each.column]}) for each in trigger.filters)
    return trigger.model_copy(update={"filters": filters})
