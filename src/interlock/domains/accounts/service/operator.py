"""Whoever works at the server's own machine, with its data and its master key: may do everything."""

from dataclasses import replace
from uuid import uuid4

from interlock.domains.accounts.repository import Users
from interlock.domains.accounts.service.identify import anonymous
from interlock.domains.org import service as org
from interlock.kit.errors import InterlockError, Kind
from interlock.runtime.context import ALL_SCOPES, Actor, ActorKind, Ctx, Runtime

LABEL = "operator"


async def operator(runtime: Runtime, *, face: str) -> Ctx:
    """The context of the machine's operator, in the workspace the server was founded with.

    Raises:
        InterlockError: NOT_FOUND when no server has ever started on this data.
    """
    async with anonymous(runtime, request_id=uuid4().hex, face=face).begin(write=False) as ctx:
        workspace_id = await org.founding_workspace(ctx)
        if workspace_id is None:
            raise InterlockError(
                Kind.NOT_FOUND,
                "This database has no workspace yet.",
                code="no_data",
                hint="Start the server once with `interlock serve`.",
            )
        facts = await org.facts(ctx, workspace_id)
        inside = replace(ctx, workspace_id=workspace_id)
        owner = await Users(inside).first_owner()
    return replace(
        inside,
        unit=None,
        actor=Actor(ActorKind.SYSTEM, label=LABEL, user_id=owner.id),
        scopes=ALL_SCOPES,
        workspace_version=facts.rules_version,
        has_ai_access=facts.has_ai_access,
    )
