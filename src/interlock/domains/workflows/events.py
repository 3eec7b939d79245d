"""News of the workflows domain."""

from typing import ClassVar

from interlock.kit.ids import WorkflowId
from interlock.runtime.events import Event


class WorkflowDefined(Event):
    """A workflow was created or changed."""

    name: ClassVar[str] = "workflows.defined"

    workflow_id: WorkflowId


class WorkflowRemoved(Event):
    """A workflow was deleted."""

    name: ClassVar[str] = "workflows.removed"

    workflow_id: WorkflowId
