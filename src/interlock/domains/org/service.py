"""Operations on the workspace itself."""

from dataclasses import replace
from functools import partial

from interlock.domains.org.models import workspaces
from interlock.domains.org.repository import Workspaces
from interlock.domains.org.views import Plan, Workspace, WorkspaceFacts
from interlock.kit.operations import Nothing, operation
from interlock.runtime.context import Ctx, WorkspaceId
from interlock.runtime.kept import Kept


@operation("org.workspace")
async def workspace(ctx: Ctx, command: Nothing) -> Workspace:
    """Show the workspace this credential belongs to."""
    return await Workspaces(ctx).get(ctx.workspace_id)


async def found_workspace(ctx: Ctx, name: str, plan: Plan = Plan.FREE) -> Workspace:
    """Make a workspace; part of a first start or a sign-up, never reachable from outside."""
    key = WorkspaceId.new()
    return await Workspaces(replace(ctx, workspace_id=key)).add(
        key, name=name, plan=plan, has_ai_access=True, rules_version=1, created_at=ctx.now
    )


async def is_empty(ctx: Ctx) -> bool:
    """Whether this server has no workspace yet."""
    return await Workspaces(ctx).count() == 0


async def founding_workspace(ctx: Ctx) -> WorkspaceId | None:
    """The workspace this server was founded with; None before its first start."""
    return await Workspaces(ctx).oldest()


async def every_workspace(ctx: Ctx) -> tuple[WorkspaceId, ...]:
    """Every workspace of this server, oldest first; for the server's own work."""
    return await Workspaces(ctx).every()


async def rules_changed(ctx: Ctx) -> None:
    """Have every server compile this workspace's policies anew before the next verdict."""
    await Workspaces(ctx).bump_rules(ctx.workspace_id)


async def facts(ctx: Ctx, workspace_id: WorkspaceId) -> WorkspaceFacts:
    """What every request needs to know of its workspace."""
    return await ctx.runtime.local(_known_facts).get(ctx, workspace_id, partial(_read_facts, workspace_id))


def _known_facts() -> Kept[WorkspaceId, WorkspaceFacts]:
    return Kept(workspaces)


async def _read_facts(workspace_id: WorkspaceId, ctx: Ctx) -> WorkspaceFacts:
    return await Workspaces(ctx).facts(workspace_id)
