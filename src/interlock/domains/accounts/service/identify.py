"""From a credential to a context: who asks, for which workspace, with which scopes."""

from dataclasses import dataclass
from functools import partial

from interlock.domains.accounts import repository, uses
from interlock.domains.accounts.models import api_keys, mcp_clients
from interlock.domains.accounts.states import Role
from interlock.domains.accounts.views import Scope
from interlock.domains.org import service as org
from interlock.kit.errors import unauthenticated
from interlock.runtime.context import ALL_SCOPES, ANONYMOUS, NO_WORKSPACE, Actor, ActorKind, Ctx, Runtime, WorkspaceId
from interlock.runtime.kept import Kept
from interlock.runtime.secrets import hashed

KEY_PREFIX = "sk_live_"
CLIENT_PREFIX = "whsec_"
SESSION_PREFIX = "sess_"

MEMBER_SCOPES = frozenset(scope.value for scope in Scope if scope is not Scope.ADMIN)


@dataclass(frozen=True, slots=True)
class Identity:
    """A proven caller, before the workspace's facts are known."""

    actor: Actor
    workspace_id: WorkspaceId
    scopes: frozenset[str]


def anonymous(runtime: Runtime, *, request_id: str, face: str, source: str = "") -> Ctx:
    """The context of a caller who showed nothing, and maybe of where it is."""
    return Ctx(runtime, ANONYMOUS, NO_WORKSPACE, frozenset(), request_id=request_id, face=face, source=source)


async def identify(runtime: Runtime, credential: str, *, request_id: str, face: str) -> Ctx:
    """The context of whoever holds this credential: an API key, an MCP client's bearer or a sign-in token.

    Raises:
        InterlockError: unauthenticated when it is unknown, expired, rotated away or revoked.
    """
    async with anonymous(runtime, request_id=request_id, face=face).begin(write=False) as ctx:
        identity = await _prove(ctx, credential)
        if identity is None:
            raise unauthenticated(
                "This credential is unknown, expired or revoked.",
                hint="Use an API key (sk_live_…) of this server; `interlock keys create` makes one.",
            )
        if identity.actor.kind is not ActorKind.USER:
            uses.note(ctx, identity.actor.id, identity.workspace_id)
        facts = await org.facts(ctx, identity.workspace_id)
        return Ctx(
            runtime,
            identity.actor,
            identity.workspace_id,
            identity.scopes,
            request_id=request_id,
            face=face,
            workspace_version=facts.rules_version,
            has_ai_access=facts.has_ai_access,
        )


async def _prove(ctx: Ctx, credential: str) -> Identity | None:
    token_hash = hashed(credential)
    if credential.startswith(KEY_PREFIX):
        return await ctx.runtime.local(_known_programs).get(ctx, token_hash, partial(_key, token_hash))
    if credential.startswith(CLIENT_PREFIX):
        return await ctx.runtime.local(_known_programs).get(ctx, token_hash, partial(_client, token_hash))
    return await _person(token_hash, ctx)


def _known_programs() -> Kept[str, Identity | None]:
    """Not of people, whose sign-ins end by themselves."""
    return Kept(api_keys, mcp_clients)


async def _key(token_hash: str, ctx: Ctx) -> Identity | None:
    row = await repository.key_by_hash(ctx, token_hash)
    if row is None:
        return None
    actor = Actor(ActorKind.KEY, row.guid, row.name, row.user_id)
    return Identity(actor, row.workspace_id, frozenset(row.scopes))


async def _client(token_hash: str, ctx: Ctx) -> Identity | None:
    row = await repository.client_by_hash(ctx, token_hash)
    if row is None:
        return None
    return Identity(Actor(ActorKind.CLIENT, row.guid, row.name, row.user_id), row.workspace_id, frozenset())


async def _person(token_hash: str, ctx: Ctx) -> Identity | None:
    row = await repository.session_by_hash(ctx, token_hash)
    if row is None:
        return None
    scopes = ALL_SCOPES if row.role in {Role.OWNER, Role.ADMIN} else MEMBER_SCOPES
    actor = Actor(ActorKind.USER, row.guid, row.email, row.guid, row.session_id)
    return Identity(actor, row.workspace_id, scopes)
