"""The first start of a server: a workspace, its owner and a first key that may do everything."""

from dataclasses import replace

from interlock.domains.accounts.repository import Users
from interlock.domains.accounts.service.keys import CreateKey, create_key
from interlock.domains.accounts.states import Role
from interlock.domains.accounts.views import NewApiKey, Scope
from interlock.domains.org import service as org
from interlock.runtime.context import ALL_SCOPES, Actor, ActorKind, Ctx, UserId

OWNER_EMAIL = "owner@interlock.invalid"


async def found(ctx: Ctx, *, workspace_name: str, owner_name: str) -> NewApiKey | None:
    """Make the first workspace, owner and key inside one unit of work; None when the server has a workspace already."""
    await (await ctx.session()).lock("first-start")
    if not await org.is_empty(ctx):
        return None
    return await found_another(ctx, workspace_name=workspace_name, owner_email=OWNER_EMAIL, owner_name=owner_name)


async def found_another(ctx: Ctx, *, workspace_name: str, owner_email: str, owner_name: str = "Owner") -> NewApiKey:
    """Make a workspace with its owner and a key that may do everything, inside one unit of work."""
    workspace = await org.found_workspace(ctx, workspace_name)
    inside = replace(ctx, workspace_id=workspace.id, scopes=ALL_SCOPES)
    owner = await Users(inside).add(
        UserId.new(), email=owner_email, name=owner_name, role=Role.OWNER, password_hash=None, created_at=ctx.now
    )
    as_owner = replace(inside, actor=Actor(ActorKind.USER, owner.id, owner.email, owner.id))
    return await create_key(as_owner, CreateKey(name="first key", scopes=tuple(Scope)))
