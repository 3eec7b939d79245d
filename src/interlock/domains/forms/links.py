"""What a form leads to: a row of the linked table, a run of the linked workflow."""

from typing import NoReturn

from interlock.domains.forms.views import Form, RowId, Submission, TableId
from interlock.kit.errors import invalid, not_found
from interlock.kit.ids import RunId, WorkflowId
from interlock.runtime.context import Ctx


async def require_table(ctx: Ctx, table_id: TableId) -> None:
    """Refuse a table that the workspace does not have."""
    _missing("linked_table", "table", table_id)


async def require_workflow(ctx: Ctx, workflow_id: WorkflowId) -> None:
    """Refuse a workflow that the workspace does not have; it need not be published yet."""
    _missing("trigger_workflow", "workflow", workflow_id)


def _missing(field: str, thing: str, key: object) -> NoReturn:
    raise invalid(
        f"'{field}': this workspace has no {thing} '{key}'.", field=field, hint=f"Name one of your own {thing}s."
    )


async def append_row(ctx: Ctx, form: Form, submission: Submission) -> RowId:
    """Put the answers whose names are columns into the linked table; the others stay on the submission only."""
    raise not_found("table", form.linked_table)


async def start_run(ctx: Ctx, form: Form, submission: Submission) -> RunId:
    """Start the linked workflow with the answers as its input."""
    raise not_found("workflow", form.trigger_workflow)
