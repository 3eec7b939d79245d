"""Operations on API keys."""

from dataclasses import replace
from typing import Annotated

from pydantic import Field

from interlock.domains.accounts.repository import ApiKeys, Users
from interlock.domains.accounts.service.identify import KEY_PREFIX
from interlock.domains.accounts.states import KEY_LIFECYCLE, KeyStatus
from interlock.domains.accounts.uses import with_uses
from interlock.domains.accounts.views import ApiKey, ApiKeyId, NewApiKey, Scope, ValidKey
from interlock.kit.errors import forbidden, unauthenticated
from interlock.kit.operations import Command, Effect, Nothing, operation
from interlock.kit.paging import Page, PageQuery
from interlock.runtime.context import ActorKind, Ctx, UserId
from interlock.runtime.secrets import hashed, new_token

_HINT_LENGTH = 4


class CreateKey(Command):
    """A key's name and the surfaces it may touch."""

    name: Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]
    scopes: Annotated[tuple[Scope, ...], Field(max_length=20)] = tuple(s for s in Scope if s is not Scope.ADMIN)


class KeyRef(Command):
    """Which key."""

    key_id: ApiKeyId


class ListKeys(PageQuery):
    """Which keys, and which page of them."""

    status: KeyStatus | None = None


@operation("accounts.create_key", scope="admin", effect=Effect.WRITE)
async def create_key(ctx: Ctx, command: CreateKey) -> NewApiKey:
    """Make an API key; the secret is shown this once."""
    excess = [scope.value for scope in command.scopes if not {scope.value, "*"} & ctx.scopes]
    if excess:
        raise forbidden(f"You cannot give a key scopes you do not hold: {', '.join(excess)}.", scopes=excess)
    secret = new_token(KEY_PREFIX)
    owner = ctx.actor.user_id or (await Users(ctx).first_owner()).id
    key = await ApiKeys(ctx).add(
        ApiKeyId.new(),
        user_id=owner,
        name=command.name,
        scopes=sorted(set(command.scopes)),
        hint=f"{KEY_PREFIX}…{secret[-_HINT_LENGTH:]}",
        token_hash=hashed(secret),
        status=KeyStatus.ACTIVE,
        created_at=ctx.now,
        revoked_at=None,
    )
    return NewApiKey(**dict(key), secret=secret)


async def owner_of(ctx: Ctx, key_id: ApiKeyId) -> UserId | None:
    """The person who answers for a key; None when there is no such key."""
    found = await ApiKeys(ctx).find(key_id)
    return None if found is None else found.user_id


@operation("accounts.list_keys", scope="admin")
async def list_keys(ctx: Ctx, command: ListKeys) -> Page[ApiKey]:
    """List the workspace's API keys; secrets are never shown again."""
    page = await ApiKeys(ctx).page(command, {"status": command.status})
    return replace(page, items=await with_uses(ctx, page.items))


@operation("accounts.revoke_key", scope="admin", effect=Effect.WRITE)
async def revoke_key(ctx: Ctx, command: KeyRef) -> ApiKey:
    """Revoke an API key; it is dead at once."""
    keys = ApiKeys(ctx)
    KEY_LIFECYCLE.check((await keys.get(command.key_id)).status, KeyStatus.REVOKED)
    return await keys.revoke(command.key_id)


@operation("accounts.validate_key")
async def validate_key(ctx: Ctx, command: Nothing) -> ValidKey:
    """Tell whose API key this is and which surfaces it may touch."""
    if ctx.actor.kind is not ActorKind.KEY or ctx.actor.user_id is None:
        raise unauthenticated("Send an API key in x-api-key.")
    return ValidKey(
        valid=True, user_id=ctx.actor.user_id, scopes=tuple(scope for scope in Scope if scope.value in ctx.scopes)
    )
