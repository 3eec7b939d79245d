"""What starts when a row is added, changed or deleted."""

from typing import Any

from starlette.responses import Response

from interlock.domains.tables import service as tables
from interlock.domains.tables.states import FilterOperator, RowEvent
from interlock.domains.workflows import service as workflows
from interlock.faces.dashboard.areas.tables.grid import OPERATORS
from interlock.faces.dashboard.refusals import Problems, problems_of
from interlock.faces.dashboard.render import go, html
from interlock.faces.dashboard.routing import action, page
from interlock.faces.dashboard.visits import Visit
from interlock.kit.errors import InterlockError
from interlock.kit.paging import MAXIMUM_LIMIT

EVENTS = [
    (RowEvent.CREATED.value, "a row is added"),
    (RowEvent.UPDATED.value, "a row is changed"),
    (RowEvent.DELETED.value, "a row is deleted"),
]


async def listed(visit: Visit) -> Response:
    """The triggers of a table, and the form for one more."""
    return await _listed(visit)


async def _listed(visit: Visit, sent: dict[str, str] | None = None, problems: Problems | None = None) -> Response:
    table = await visit.call(tables.get, visit.command(tables.TableRef, {}, "table_id"))
    found = await visit.call(tables.list_triggers, tables.ListTriggers(table_id=table.id))
    return html(
        visit,
        "tables/triggers.html",
        status=422 if problems else 200,
        table=table,
        triggers=found,
        names=await workflow_names(visit),
        events=EVENTS,
        operators=OPERATORS,
        sent=sent or {},
        problems=problems or Problems(),
    )


async def workflow_names(visit: Visit) -> dict[str, str]:
    """The workspace's workflows by their ids; none for somebody who may not see them."""
    if not visit.may("workflows"):
        return {}
    found = await visit.call(workflows.list_, workflows.ListWorkflows(limit=MAXIMUM_LIMIT))
    return {str(workflow.id): workflow.name for workflow in found.items}


async def add(visit: Visit) -> Response:
    """Add a trigger."""
    sent = await visit.form()
    values: dict[str, Any] = {"event": sent.get("event", ""), "workflow_id": sent.get("workflow_id", "")}
    if sent.get("column"):
        values["filters"] = [_condition(sent)]
    try:
        command = visit.command(tables.CreateTrigger, values, "table_id")
        await visit.call(tables.create_trigger, command)
    except InterlockError as error:
        return await _listed(visit, sent, problems_of(error))
    return go(visit, f"/tables/{command.table_id}/triggers", said="The trigger is on.")


def _condition(sent: dict[str, str]) -> dict[str, Any]:
    operator, value = sent.get("operator", ""), sent.get("value", "")
    condition: dict[str, Any] = {"column": sent["column"], "operator": operator}
    if operator == FilterOperator.IN:
        return {**condition, "value": [part.strip() for part in value.split(",") if part.strip()]}
    return (
        condition
        if operator in {FilterOperator.IS_EMPTY, FilterOperator.IS_NOT_EMPTY}
        else {**condition, "value": value}
    )


async def switch(visit: Visit) -> Response:
    """Switch a trigger off or on."""
    values = {"enabled": (await visit.form()).get("enabled", "")}
    command = visit.command(tables.UpdateTrigger, values, "table_id", "trigger_id")
    changed = await visit.call(tables.update_trigger, command)
    return go(visit, f"/tables/{changed.table_id}/triggers", said="It is on." if changed.enabled else "It is off.")


async def delete(visit: Visit) -> Response:
    """Delete a trigger."""
    ref = visit.command(tables.TriggerRef, {}, "table_id", "trigger_id")
    await visit.call(tables.delete_trigger, ref)
    return go(visit, f"/tables/{ref.table_id}/triggers", said="Deleted.")


ROUTES = (
    page("/tables/{table_id}/triggers", listed),
    action("/tables/{table_id}/triggers", add),
    action("/tables/{table_id}/triggers/{trigger_id}/switch", switch),
    action("/tables/{table_id}/triggers/{trigger_id}/delete", delete),
)
