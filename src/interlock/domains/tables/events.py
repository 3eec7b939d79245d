"""News of the tables domain."""

from typing import Any, ClassVar

from interlock.domains.tables.states import RowEvent
from interlock.domains.tables.views import RowId, TableId, TriggerId
from interlock.kit.ids import RunId, WorkflowId
from interlock.runtime.events import Event


class TableTriggerFired(Event):
    """A row met a trigger, whose workflow is to run with the row's data.

    Args:
        depth: how many triggers set off one another before this one; whoever writes rows on behalf of the workflow
            passes `depth + 1` to `append_row`, `change_row` or `remove_row`.
        run_id: of the run that it starts, however often it is told.
    """

    name: ClassVar[str] = "tables.trigger_fired"

    trigger_id: TriggerId
    table_id: TableId
    row_id: RowId
    workflow_id: WorkflowId
    event: RowEvent
    data: dict[str, Any]
    depth: int
    run_id: RunId
