"""Operations on one's own sign-ins: see them, end one, end all others."""

from interlock.domains.accounts.repository import Sessions
from interlock.domains.accounts.views import Session, SessionId
from interlock.kit.errors import forbidden, not_found
from interlock.kit.operations import Command, Effect, Nothing, operation
from interlock.runtime.context import ActorKind, Ctx, UserId


class SessionRef(Command):
    """Which sign-in."""

    session_id: SessionId


@operation("accounts.list_sessions")
async def list_sessions(ctx: Ctx, command: Nothing) -> tuple[Session, ...]:
    """List where the signed-in person is signed in, newest first; their tokens are never shown again."""
    found = await Sessions(ctx).of(_person(ctx))
    return tuple(each.model_copy(update={"is_current": each.id == ctx.actor.session_id}) for each in found)


@operation("accounts.end_session", effect=Effect.WRITE)
async def end_session(ctx: Ctx, command: SessionRef) -> SessionId:
    """End one of the signed-in person's own sessions; its token is dead at once."""
    person = ctx.actor.user_id if ctx.actor.kind is ActorKind.USER else None  # programs have none to end
    if person is None or not await Sessions(ctx).end_of(person, command.session_id):
        raise not_found("session", command.session_id)
    return command.session_id


@operation("accounts.end_other_sessions", effect=Effect.WRITE)
async def end_other_sessions(ctx: Ctx, command: Nothing) -> tuple[Session, ...]:
    """End all of the signed-in person's sessions but this one."""
    person = _person(ctx)
    for each in await Sessions(ctx).of(person):
        if each.id != ctx.actor.session_id:
            await Sessions(ctx).end_of(person, each.id)
    return await list_sessions(ctx, command)


def _person(ctx: Ctx) -> UserId:
    if ctx.actor.user_id is None or ctx.actor.kind is not ActorKind.USER:
        raise forbidden("Only a signed-in person has sessions.")
    return ctx.actor.user_id
