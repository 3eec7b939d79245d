"""What a workflow's run was asked to do; the graph itself is read by its version, which never changes."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import BaseModel

from interlock.domains.workflows.manifest import RunFacts
from interlock.kit.ids import RunId, WorkflowId
from interlock.runtime.context import UserId

WORKFLOW_FLOW = "workflows.run"


class WorkflowOrder(BaseModel):
    """A run's task, fixed at its start.

    Args:
        depth: how many workflows started one another to get here.
        retry_of: an earlier run of the same version, whose outputs stand for the nodes that are not `from_node` or
            behind it.
    """

    run_id: RunId
    workflow_id: WorkflowId
    workflow_name: str
    version: int
    input: dict[str, Any]
    user_id: UserId | None
    started_at: datetime
    run_cap: Decimal | None = None
    daily_cap: Decimal | None = None
    depth: int = 0
    is_public: bool = False
    retry_of: RunId | None = None
    from_node: str | None = None

    def facts(self) -> RunFacts:
        """What its nodes may know of it."""
        names = (
            "run_id",
            "workflow_id",
            "workflow_name",
            "run_cap",
            "daily_cap",
            "depth",
            "user_id",
            "started_at",
            "is_public",
        )
        return RunFacts(**{name: getattr(self, name) for name in names})
