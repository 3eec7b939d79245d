"""What a form leads to: a row of the linked table, a run of the linked workflow."""

from typing import NoReturn

from interlock.domains.forms.views import Form, RowId, Submission, TableId
from interlock.domains.runs.states import Trigger
from interlock.domains.workflows import service as workflows
from interlock.kit.errors import InterlockError, Kind, invalid, not_found
from interlock.kit.ids import RunId, WorkflowId
from interlock.runtime.context import Ctx


async def require_table(ctx: Ctx, table_id: TableId) -> None:
    """Refuse a table that the workspace does not have."""
    _missing("linked_table", "table", table_id)


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
    raise not_found("table", form.linked_table)


async def start_run(ctx: Ctx, form: Form, submission: Submission) -> RunId:
    """Start the linked workflow with the answers as its input."""
    if form.trigger_workflow is None:
        raise ValueError("the form starts no workflow")
    wanted = workflows.Launch(form.trigger_workflow, submission.data, Trigger.FORM, str(submission.id))
    return (await workflows.launch(ctx, wanted)).id
