"""What this domain must know of workflows, which live above it: whether one is there. The composition root says how."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from interlock.kit.ids import WorkflowId
from interlock.runtime.context import Ctx, Runtime

Require = Callable[[Ctx, WorkflowId], Awaitable[object]]


@dataclass(slots=True)
class _Known:
    require: Require | None = None


def tell_workflows(runtime: Runtime, require: Require) -> None:
    """Hand down how to find a workflow of the caller's workspace; `require` raises not_found."""
    runtime.local(_Known).require = require


async def require_workflow(ctx: Ctx, key: WorkflowId) -> None:
    """Refuse a workflow that is not there; raises not_found."""
    require = ctx.runtime.local(_Known).require
    if require is None:
        raise RuntimeError("the composition root has not called tell_workflows()")
    await require(ctx, key)
