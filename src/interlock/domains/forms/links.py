"""What a form leads to: a row of the linked table, a run of the linked workflow."""

from typing import NoReturn

from interlock.domains.forms.views import Form, Submission
from interlock.domains.runs.states import Trigger
from interlock.domains.tables import service as tables
from interlock.domains.tables.states import ColumnType
from interlock.domains.tables.views import RowId, TableId
from interlock.domains.workflows import service as workflows
from interlock.kit.errors import InterlockError, Kind, invalid
from interlock.kit.ids import RunId, WorkflowId
from interlock.runtime.context import Ctx


async def require_table(ctx: Ctx, table_id: TableId) -> None:
    """Refuse a table that the workspace does not have."""
    try:
        await tables.columns(ctx, table_id)
    except InterlockError as error:
        if error.kind is Kind.NOT_FOUND:
            _missing("linked_table", "table", table_id)
        raise


async def require_workflow(ctx: Ctx, workflow_id: WorkflowId) -> None:
    """Refuse a workflow that the workspace does not have; it need not be published yet."""
    try:
        await workflows.get(ctx, workflows.WorkflowRef(workflow_id=workflow_id))
    except InterlockError as error:
        if error.kind is Kind.NOT_FOUND:
            _missing("trigger_workflow", "workflow", workflow_id)
        raise


def _missing(field: str, thing: str, key: object) -> NoReturn:
    raise invalid(
        f"'{field}': this workspace has no {thing} '{key}'.", field=field, hint=f"Name one of your own {thing}s."
    )


async def append_row(ctx: Ctx, form: Form, submission: Submission) -> RowId:
    """Put the answers whose names are columns into the linked table; the others stay on the submission only."""
    if form.linked_table is None:
        raise ValueError("the form has no table")
    columns = await tables.columns(ctx, form.linked_table)
    fillable = {column.name for column in columns if column.type is not ColumnType.COMPUTED}
    data = {name: value for name, value in submission.data.items() if name in fillable}
    return (await tables.append_row(ctx, tables.AppendRow(table_id=form.linked_table, data=data))).id


async def start_run(ctx: Ctx, form: Form, submission: Submission) -> RunId:
    """Start the linked workflow with the answers as its input."""
    if form.trigger_workflow is None:
        raise ValueError("the form starts no workflow")
    wanted = workflows.Launch(form.trigger_workflow, submission.data, Trigger.FORM, str(submission.id))
    return (await workflows.launch(ctx, wanted)).id
