"""Operations on people and their sessions."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Annotated

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from pydantic import EmailStr, Field, SecretStr

from interlock.domains.accounts.repository import Sessions, Users
from interlock.domains.accounts.service.identify import SESSION_PREFIX
from interlock.domains.accounts.service.membership import require_owner
from interlock.domains.accounts.states import Role
from interlock.domains.accounts.views import Me, SessionId, SignedIn, User
from interlock.domains.org import service as org
from interlock.kit.errors import InterlockError, Kind, forbidden, unauthenticated
from interlock.kit.operations import Command, Effect, Nothing, operation
from interlock.kit.paging import Page, PageQuery
from interlock.runtime.context import ActorKind, Ctx, UserId
from interlock.runtime.rate_limit import Limiter, limiter_for
from interlock.runtime.secrets import hashed, new_token

SESSION_LIFE = timedelta(days=14)
SIGN_INS_PER_MINUTE = 10
_hasher = PasswordHasher()
# A hash of the same cost as a real one, for addresses without a password; making it here would slow every start.
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$C63VwKs525xRiRo0V1wRFA$adW7rQfMhLq84njiTY8RzuYBjsyd/sjUGQDRNGKAor8"

Password = Annotated[SecretStr, Field(min_length=10, max_length=256, description="At least ten characters.")]


class SignIn(Command):
    """Who signs in, with what."""

    email: Annotated[str, Field(min_length=3, max_length=320)]
    password: Annotated[SecretStr, Field(max_length=256)]


class SignOut(Command):
    """The session to end."""

    token: SecretStr


class SetPassword(Command):
    """A person's new password, with the old one where there is one."""

    password: Password
    current_password: Annotated[SecretStr, Field(max_length=256)] | None = None


class ResetPassword(Command):
    """Whose password to replace, and by what."""

    email: Annotated[str, Field(min_length=3, max_length=320)]
    password: Password


class AddUser(Command):
    """A new person of the workspace."""

    email: EmailStr
    name: Annotated[str, Field(min_length=1, max_length=200)]
    role: Role = Role.MEMBER
    password: Password | None = None


@operation("accounts.me")
async def me(ctx: Ctx, command: Nothing) -> Me:
    """Tell a signed-in person who they are and what their plan allows."""
    if ctx.actor.user_id is None or ctx.actor.kind is not ActorKind.USER:
        raise unauthenticated("This call needs a sign-in token.", hint="POST /api/auth/sign-in gives one.")
    user = await Users(ctx).get(ctx.actor.user_id)
    workspace = await org.workspace(ctx, Nothing())
    return Me(
        id=user.id,
        email=user.email,
        name=user.name,
        plan=workspace.plan.value,
        has_ai_access=workspace.has_ai_access,
    )


@operation("accounts.sign_in", effect=Effect.EXTERNAL, public=True)
async def sign_in(ctx: Ctx, command: SignIn) -> SignedIn:
    """Exchange an e-mail address and password for a session token."""
    email = command.email.strip().lower()
    await _limited(ctx, email)
    async with ctx.begin(write=False) as reading:
        row = await Users(reading).by_email(email)
    stored = None if row is None else row.password_hash
    matches = await asyncio.to_thread(_matches, stored or _NOBODY, command.password.get_secret_value())
    if row is None or stored is None or not matches or row.deactivated_at is not None:
        raise unauthenticated("The e-mail address or the password is wrong.")
    async with replace(ctx, workspace_id=row.workspace_id).begin() as writing:
        return await begin_session(writing, row.guid)


async def begin_session(ctx: Ctx, user_id: UserId) -> SignedIn:
    """Sign a person in who has proven who they are, in the caller's unit of work."""
    token = new_token(SESSION_PREFIX)
    sessions = Sessions(ctx)
    await sessions.drop_expired(user_id)
    signed = await sessions.add(
        SessionId.new(),
        user_id=user_id,
        token_hash=hashed(token),
        created_at=ctx.now,
        expires_at=ctx.now + SESSION_LIFE,
        source=ctx.source[:64] or None,
    )
    return SignedIn(token=token, expires_at=signed.expires_at, user=await Users(ctx).get(user_id))


def password_hash(password: SecretStr) -> str:
    """What is stored of a password; takes a third of a second of computing."""
    return _hasher.hash(password.get_secret_value())


@operation("accounts.sign_out", effect=Effect.WRITE)
async def sign_out(ctx: Ctx, command: SignOut) -> UserId | None:
    """End a session; its token is dead at once."""
    await Sessions(ctx).end(hashed(command.token.get_secret_value()))
    return ctx.actor.user_id


@operation("accounts.set_password", effect=Effect.EXTERNAL)
async def set_password(ctx: Ctx, command: SetPassword) -> UserId:
    """Set the signed-in person's password; other sessions end."""
    if ctx.actor.user_id is None or ctx.actor.kind is not ActorKind.USER:
        raise forbidden("Only a signed-in person can set a password.")
    async with ctx.begin(write=False) as reading:
        user = await Users(reading).get(ctx.actor.user_id)
        row = await Users(reading).by_email(user.email)
    stored = None if row is None else row.password_hash
    given = "" if command.current_password is None else command.current_password.get_secret_value()
    if stored is not None and not await asyncio.to_thread(_matches, stored, given):
        raise unauthenticated("The current password is wrong.")
    fresh = await asyncio.to_thread(password_hash, command.password)
    async with ctx.begin() as writing:
        await Users(writing).set_password(user.id, fresh)
        await Sessions(writing).end_all_of(user.id)
    return user.id


@operation("accounts.reset_password", scope="admin", effect=Effect.WRITE)
async def reset_password(ctx: Ctx, command: ResetPassword) -> User:
    """Give a person a new password without the old one; their sessions end."""
    # Hashed before the database is touched: it takes a third of a second, and a unit of work opens at its first use.
    fresh = await asyncio.to_thread(password_hash, command.password)
    row = await Users(ctx).by_email(command.email.strip().lower())
    if row is None or row.workspace_id != ctx.workspace_id:
        raise InterlockError(
            Kind.NOT_FOUND, f"Nobody here has the e-mail address '{command.email}'.", data={"email": command.email}
        )
    if row.role is Role.OWNER:
        await require_owner(ctx)
    await Users(ctx).set_password(row.guid, fresh)
    await Sessions(ctx).end_all_of(row.guid)
    return await Users(ctx).get(row.guid)


@operation("accounts.add_user", scope="admin", effect=Effect.WRITE)
async def add_user(ctx: Ctx, command: AddUser) -> User:
    """Add a person to the workspace."""
    password = command.password
    # As in reset_password: hashed before the unit of work opens.
    secret = None if password is None else await asyncio.to_thread(password_hash, password)
    if command.role is Role.OWNER:
        await require_owner(ctx)
    return await Users(ctx).add(
        UserId.new(),
        email=str(command.email).lower(),
        name=command.name,
        role=command.role,
        password_hash=secret,
        created_at=ctx.now,
    )


@operation("accounts.list_users", scope="admin")
async def list_users(ctx: Ctx, command: PageQuery) -> Page[User]:
    """List the people of the workspace."""
    return await Users(ctx).page(command)


async def _limited(ctx: Ctx, email: str) -> None:
    limiter: Limiter = limiter_for(ctx.runtime)
    # Not by e-mail address alone: an outsider who keeps guessing would lock its owner out.
    state = await limiter.hit(f"sign-in:{email}:{ctx.source}", SIGN_INS_PER_MINUTE)
    if state.exceeded:
        raise InterlockError(
            Kind.RATE_LIMITED,
            "Too many sign-in attempts for this e-mail address from where you are.",
            data={"retry_after": state.retry_after},
            hint=f"Try again in {state.retry_after} seconds.",
        )


def _matches(stored: str, given: str) -> bool:
    try:
        return _hasher.verify(stored, given)
    except (VerifyMismatchError, InvalidHashError):
        return False
