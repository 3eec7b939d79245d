"""Rows of the accounts domain."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, delete, func, select, update

from interlock.domains.accounts.models import api_keys, credential_uses, mcp_clients, sessions, users
from interlock.domains.accounts.states import KEY_LIFECYCLE, ClientStatus, KeyStatus, Role
from interlock.domains.accounts.views import ApiKey, ApiKeyId, McpClient, McpClientId, Session, SessionId, User
from interlock.kit.ids import TypedId
from interlock.kit.paging import ListSpec
from interlock.runtime.context import Ctx, UserId, WorkspaceId
from interlock.runtime.repository import Repository, insert_if_absent

_KEY_BY_HASH = select(
    api_keys.c.guid, api_keys.c.workspace_id, api_keys.c.user_id, api_keys.c.name, api_keys.c.scopes
).where(api_keys.c.token_hash == bindparam("token_hash"), api_keys.c.status == KeyStatus.ACTIVE)
_CLIENT_BY_HASH = select(
    mcp_clients.c.guid, mcp_clients.c.workspace_id, mcp_clients.c.user_id, mcp_clients.c.name
).where(mcp_clients.c.token_hash == bindparam("token_hash"), mcp_clients.c.status == ClientStatus.CONNECTED)
_SESSION_BY_HASH = (
    select(users.c.guid, users.c.workspace_id, users.c.email, users.c.role, sessions.c.guid.label("session_id"))
    .select_from(sessions.join(users, sessions.c.user_id == users.c.guid))
    .where(
        sessions.c.token_hash == bindparam("token_hash"),
        sessions.c.expires_at > bindparam("now"),
        users.c.deactivated_at.is_(None),
    )
)
_USER_BY_EMAIL = select(users).where(users.c.email == bindparam("email"))


_SESSIONS_OF = (
    select(sessions)
    .where(sessions.c.user_id == bindparam("user"), sessions.c.expires_at > bindparam("now"))
    .order_by(sessions.c.id.desc())
    .limit(100)
)
_END_OF = delete(sessions).where(sessions.c.guid == bindparam("key"), sessions.c.user_id == bindparam("user"))
_OWNERS = select(func.count()).where(
    users.c.workspace_id == bindparam("workspace"), users.c.role == Role.OWNER, users.c.deactivated_at.is_(None)
)
_USE = (
    update(credential_uses)
    .where(credential_uses.c.credential_id == bindparam("credential"), credential_uses.c.last_used_at < bindparam("at"))
    .values(last_used_at=bindparam("at"))
)


class Users(Repository[User]):
    """People of a workspace."""

    table = users
    view = User
    thing = "user"
    listing = ListSpec(descending=False)

    async def by_email(self, email: str) -> Row[Any] | None:
        """The row with the password hash, from any workspace; for signing in only."""
        session = await self.ctx.session()
        return (await session.execute(_USER_BY_EMAIL, {"email": email})).first()

    async def set_password(self, key: UserId, password_hash: str) -> None:
        """Store a new password's hash."""
        session = await self.ctx.session()
        await session.execute(update(users).where(users.c.guid == key).values(password_hash=password_hash))

    async def has_password(self, key: UserId) -> bool:
        """Whether a person can sign in."""
        session = await self.ctx.session()
        stored = await session.execute(select(users.c.password_hash).where(users.c.guid == key))
        return stored.scalar_one() is not None

    async def first_owner(self) -> User:
        """The oldest person of the workspace."""
        session = await self.ctx.session()
        statement = select(users).where(users.c.workspace_id == self.ctx.workspace_id).order_by(users.c.id).limit(1)
        return self.to_view((await session.execute(statement)).one())

    async def count_owners(self) -> int:
        """How many of the workspace's owners may come in."""
        counting = await (await self.ctx.session()).execute(_OWNERS, {"workspace": self.ctx.workspace_id})
        number: int = counting.scalar_one()
        return number


class Sessions(Repository[Session]):
    """Sign-ins."""

    table = sessions
    view = Session
    thing = "session"

    async def end(self, token_hash: str) -> None:
        """Forget a sign-in."""
        session = await self.ctx.session()
        await session.execute(delete(sessions).where(sessions.c.token_hash == token_hash))

    async def of(self, user_id: UserId) -> tuple[Session, ...]:
        """A person's sign-ins that hold, newest first."""
        rows = await (await self.ctx.session()).execute(_SESSIONS_OF, {"user": user_id, "now": self.ctx.now})
        return tuple(self.to_view(row) for row in rows)

    async def end_of(self, user_id: UserId, key: SessionId) -> bool:
        """Forget one sign-in of a person; False where it is not theirs."""
        ended = await (await self.ctx.session()).execute(_END_OF, {"key": key, "user": user_id})
        return ended.rowcount > 0

    async def drop_expired(self, user_id: UserId) -> None:
        """Forget a person's sign-ins that have run out."""
        session = await self.ctx.session()
        over = (sessions.c.user_id == user_id, sessions.c.expires_at <= self.ctx.now)
        await session.execute(delete(sessions).where(*over))

    async def end_all_of(self, user_id: UserId) -> None:
        """Forget every sign-in of a person."""
        session = await self.ctx.session()
        await session.execute(delete(sessions).where(sessions.c.user_id == user_id))


class ApiKeys(Repository[ApiKey]):
    """API keys of a workspace, newest first."""

    table = api_keys
    view = ApiKey
    thing = "API key"
    listing = ListSpec(filters=frozenset({"status"}))

    async def revoke(self, key: ApiKeyId) -> ApiKey:
        """Move to revoked as a compare-and-set: of two who revoke at once, one gets a conflict."""
        allowed = api_keys.c.status.in_(KEY_LIFECYCLE.sources(KeyStatus.REVOKED))
        return await self.change(key, {"status": KeyStatus.REVOKED, "revoked_at": self.ctx.now}, where=[allowed])


class McpClients(Repository[McpClient]):
    """Registered programs of a workspace, newest first."""

    table = mcp_clients
    view = McpClient
    thing = "MCP client"
    listing = ListSpec(filters=frozenset({"status", "kind"}))

    async def change_connected(self, key: McpClientId, values: Mapping[str, Any]) -> McpClient:
        """Change a client that is still connected; a revoked one is a conflict, whoever was quicker."""
        return await self.change(key, values, where=[mcp_clients.c.status == ClientStatus.CONNECTED])


async def uses_of(ctx: Ctx, credentials: Collection[TypedId]) -> dict[TypedId, datetime]:
    """When these credentials of the workspace were last used, as far as it is written."""
    if not credentials:
        return {}
    columns = credential_uses.c
    mine = select(columns.credential_id, columns.last_used_at).where(
        columns.credential_id.in_(credentials), columns.workspace_id == ctx.workspace_id
    )
    return {row.credential_id: row.last_used_at for row in await (await ctx.session()).execute(mine)}


async def add_uses(ctx: Ctx, latest: Mapping[TypedId, tuple[WorkspaceId, datetime]]) -> None:
    """Write when credentials of any workspace were last used."""
    session = await ctx.session()
    for credential, (workspace_id, at) in latest.items():
        row = {"workspace_id": workspace_id, "credential_id": credential, "last_used_at": at}
        if not await insert_if_absent(ctx, credential_uses, row):
            await session.execute(_USE, {"credential": credential, "at": at})


async def key_by_hash(ctx: Ctx, token_hash: str) -> Row[Any] | None:
    """The active key with this hash: guid, workspace_id, user_id, name, scopes."""
    return (await (await ctx.session()).execute(_KEY_BY_HASH, {"token_hash": token_hash})).first()


async def client_by_hash(ctx: Ctx, token_hash: str) -> Row[Any] | None:
    """The connected client with this hash: guid, workspace_id, user_id, name."""
    return (await (await ctx.session()).execute(_CLIENT_BY_HASH, {"token_hash": token_hash})).first()


async def session_by_hash(ctx: Ctx, token_hash: str) -> Row[Any] | None:
    """The person signed in with this hash: guid, workspace_id, email, role, session_id."""
    parameters = {"token_hash": token_hash, "now": ctx.now}
    return (await (await ctx.session()).execute(_SESSION_BY_HASH, parameters)).first()
