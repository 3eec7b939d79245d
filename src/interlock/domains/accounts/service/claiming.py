"""The first start, as its owner sees it: whoever holds the code that the server printed chooses the first password."""

import asyncio
import hmac
from dataclasses import replace
from typing import Annotated

from pydantic import EmailStr, Field

from interlock.domains.accounts.repository import Users
from interlock.domains.accounts.service.people import Password, begin_session, password_hash
from interlock.domains.accounts.views import SignedIn
from interlock.domains.org import service as org
from interlock.kit.errors import InterlockError, forbidden
from interlock.kit.operations import Command, Effect, operation
from interlock.runtime.context import Ctx, Runtime

_CODE_LENGTH = 32


class SetupCode(Command):
    """What the server printed at its start."""

    code: Annotated[str, Field(max_length=200)]


class ClaimServer(SetupCode):
    """The code, and who the owner is."""

    email: EmailStr
    name: Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]
    password: Password


def setup_code(runtime: Runtime) -> str:
    """The code of this server's first start; it follows from the master key and is good until there is a password."""
    return runtime.secrets.keyed_digest("the code of the first start")[:_CODE_LENGTH]


async def open_setup_code(ctx: Ctx) -> str | None:
    """The code, as long as the owner has no password; for the operator's terminal."""
    return setup_code(ctx.runtime) if await _is_unclaimed(ctx) else None


@operation("accounts.is_claimable", public=True)
async def is_claimable(ctx: Ctx, command: SetupCode) -> bool:
    """Tell the holder of the first start's code whether the owner still has to choose a password."""
    return _is_right(ctx, command.code) and await _is_unclaimed(ctx)


@operation("accounts.claim", effect=Effect.EXTERNAL, public=True)
async def claim(ctx: Ctx, command: ClaimServer) -> SignedIn:
    """Choose the owner's name, address and first password with the code of the first start, and sign in."""
    fresh = await asyncio.to_thread(password_hash, command.password)
    async with ctx.begin(write=False) as reading:
        workspace_id = await org.founding_workspace(reading)
    if workspace_id is None or not _is_right(ctx, command.code):
        raise _refused()
    async with replace(ctx, workspace_id=workspace_id).begin() as inside:
        await (await inside.session()).lock("first-start")
        if not await _is_unclaimed(inside):
            raise _refused()
        users = Users(inside)
        owner = await users.first_owner()
        await users.change(owner.id, {"email": str(command.email).lower(), "name": command.name})
        await users.set_password(owner.id, fresh)
        return await begin_session(inside, owner.id)


def _refused() -> InterlockError:
    return forbidden(
        "This code is wrong, or the owner has chosen a password already.",
        hint="Sign in, or have the operator run `interlock users reset-password`.",
    )


def _is_right(ctx: Ctx, code: str) -> bool:
    return hmac.compare_digest(code.encode(), setup_code(ctx.runtime).encode())


async def _is_unclaimed(ctx: Ctx) -> bool:
    workspace_id = await org.founding_workspace(ctx)
    if workspace_id is None:
        return False
    users = Users(replace(ctx, workspace_id=workspace_id))
    return not await users.has_password((await users.first_owner()).id)
