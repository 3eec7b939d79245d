"""Operations on what people may do here: their role, and whether they may come in at all."""

from typing import Annotated

from pydantic import Field

from interlock.domains.accounts.repository import Sessions, Users
from interlock.domains.accounts.states import Role
from interlock.domains.accounts.views import User
from interlock.kit.errors import conflict, forbidden, invalid
from interlock.kit.operations import Command, Effect, operation
from interlock.kit.patch import changes
from interlock.runtime.context import ActorKind, Ctx, UserId


class UserRef(Command):
    """Which person."""

    user_id: UserId


class UpdateUser(Command):
    """The fields to change; absent ones stay."""

    user_id: UserId
    name: Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")] | None = None
    role: Role | None = None


@operation("accounts.update_user", scope="admin", effect=Effect.WRITE)
async def update_user(ctx: Ctx, command: UpdateUser) -> User:
    """Change a person's name or role; only an owner makes or unmakes owners, and one owner always stays."""
    values = changes(command, "user_id")
    for name, value in values.items():
        if value is None:
            raise invalid(f"'{name}' cannot be null; leave it out to keep it.", field=name)
    seen = await _held(ctx, command.user_id)
    if command.role is not None and command.role is not seen.role:
        if Role.OWNER in {command.role, seen.role}:
            await require_owner(ctx)
        await _leave_an_owner(ctx, seen)
    return await Users(ctx).change(command.user_id, values) if values else seen


@operation("accounts.deactivate_user", scope="admin", effect=Effect.WRITE)
async def deactivate_user(ctx: Ctx, command: UserRef) -> User:
    """Keep a person out: their sessions end at once; keys they made stay until they are revoked."""
    seen = await _held(ctx, command.user_id)
    if seen.deactivated_at is not None:
        raise conflict("This person is deactivated already.")
    if seen.role is Role.OWNER:
        await require_owner(ctx)
    await _leave_an_owner(ctx, seen)
    await Sessions(ctx).end_all_of(seen.id)
    return await Users(ctx).change(seen.id, {"deactivated_at": ctx.now})


@operation("accounts.reactivate_user", scope="admin", effect=Effect.WRITE)
async def reactivate_user(ctx: Ctx, command: UserRef) -> User:
    """Let a deactivated person in again, with the password and role they had."""
    seen = await _held(ctx, command.user_id)
    if seen.deactivated_at is None:
        raise conflict("This person is not deactivated.")
    if seen.role is Role.OWNER:
        await require_owner(ctx)
    return await Users(ctx).change(seen.id, {"deactivated_at": None})


async def require_owner(ctx: Ctx) -> None:
    """Refuse whoever is not an owner, holds no key of one, and does not work at the server's own machine."""
    if ctx.actor.kind is ActorKind.SYSTEM:
        return
    person = None if ctx.actor.user_id is None else await Users(ctx).find(ctx.actor.user_id)
    if person is None or person.role is not Role.OWNER:
        raise forbidden("Only an owner may do this to an owner, or make one.", hint="Ask an owner of the workspace.")


async def _held(ctx: Ctx, key: UserId) -> User:
    """The person; whoever else changes people waits."""
    await (await ctx.session()).lock(f"people:{ctx.workspace_id}")
    return await Users(ctx).get(key)


async def _leave_an_owner(ctx: Ctx, person: User) -> None:
    if person.role is Role.OWNER and person.deactivated_at is None and await Users(ctx).count_owners() == 1:
        raise conflict(
            "This is the workspace's only owner.",
            code="last_owner",
            hint="Make somebody else an owner first.",
        )
