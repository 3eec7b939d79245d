"""Workflows as the AI registry lists them."""

from collections.abc import Sequence

from interlock.domains.governance.registry import service as registry
from interlock.domains.governance.registry.states import SystemKind
from interlock.domains.workflows.graph import Plan
from interlock.domains.workflows.plans import plan_of
from interlock.domains.workflows.repository import Workflows
from interlock.domains.workflows.views import WorkflowRow
from interlock.kit.paging import MAXIMUM_LIMIT, PageQuery
from interlock.runtime.context import Ctx, UserId


def system(row: WorkflowRow, plan: Plan, owner_id: UserId | None = None) -> registry.NoteSystem:
    """A workflow with the tools that its nodes name."""
    tools = {tool for node in plan.nodes.values() for tool in node.config.tools()}
    return registry.NoteSystem(SystemKind.WORKFLOW, str(row.id), row.name, owner_id, tuple(sorted(tools)))


async def systems(ctx: Ctx) -> Sequence[registry.NoteSystem]:
    """Every workflow, for a registry that meets the workspace for the first time."""
    found: list[registry.NoteSystem] = []
    while True:
        async with ctx.begin(write=False) as reading:
            page = await Workflows(reading).page(PageQuery(limit=MAXIMUM_LIMIT, offset=len(found)), {})
            found += [system(row, await plan_of(reading, row.id, row.version)) for row in page.items]
        if len(page.items) < MAXIMUM_LIMIT:
            return found
