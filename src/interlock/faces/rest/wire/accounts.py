"""Native replies about people, keys and MCP clients."""

from pydantic import Field

from interlock.domains.accounts.states import ClientKind, ClientStatus, KeyStatus, Role
from interlock.domains.accounts.views import ApiKeyId, McpClientId, Scope, SessionId
from interlock.faces.rest.wire.base import Timestamp, Wire
from interlock.runtime.context import UserId


class MeReply(Wire):
    """A signed-in person."""

    id: UserId
    email: str
    name: str
    plan: str
    has_ai_access: bool


class UserReply(Wire):
    """A person of the workspace."""

    id: UserId
    email: str
    name: str
    role: Role
    created_at: Timestamp
    deactivated_at: Timestamp | None


class SessionReply(Wire):
    """One of the caller's sign-ins."""

    id: SessionId
    source: str | None
    created_at: Timestamp
    expires_at: Timestamp
    is_current: bool


class SignedInReply(Wire):
    """A fresh session."""

    token: str
    expires_at: Timestamp
    user: UserReply


class ValidKeyReply(Wire):
    """Whose key it is."""

    valid: bool
    user_id: UserId
    scopes: tuple[Scope, ...]


class KeyRow(Wire):
    """A key in a list, its secret masked."""

    id: ApiKeyId
    name: str
    scopes: tuple[Scope, ...]
    masked: str = Field(validation_alias="hint")
    status: KeyStatus
    created_at: Timestamp
    revoked_at: Timestamp | None
    last_used_at: Timestamp | None


class KeyCreated(Wire):
    """A fresh key; `key` is shown this once."""

    id: ApiKeyId
    name: str
    key: str = Field(validation_alias="secret")
    scopes: tuple[Scope, ...]
    created_at: Timestamp


class ClientRegistered(Wire):
    """A fresh MCP client; the bearer is shown this once."""

    client_id: McpClientId = Field(validation_alias="id")
    kind: ClientKind
    bearer: str
    url: str
    created_at: Timestamp


class ClientRotated(Wire):
    """A client's new bearer, shown this once; the old one is dead."""

    client_id: McpClientId = Field(validation_alias="id")
    bearer: str
    rotated_at: Timestamp


class ClientRevoked(Wire):
    """A client that was cut off."""

    client_id: McpClientId = Field(validation_alias="id")
    status: ClientStatus
    revoked_at: Timestamp


class ClientRow(Wire):
    """A registered MCP client; the bearer is never shown again."""

    client_id: McpClientId = Field(validation_alias="id")
    name: str
    kind: ClientKind
    status: ClientStatus
    tools: tuple[str, ...] | None
    resources: dict[str, tuple[str, ...]]
    created_at: Timestamp
    rotated_at: Timestamp | None
    revoked_at: Timestamp | None
    last_used_at: Timestamp | None
