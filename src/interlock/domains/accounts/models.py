"""Tables of the accounts domain. Secrets are stored as SHA-256 (tokens) or argon2 (passwords)."""

from sqlalchemy import Column, Index, String, Table

from interlock.domains.accounts.states import ClientKind, ClientStatus, KeyStatus, Role
from interlock.domains.accounts.views import ApiKeyId, McpClientId, SessionId
from interlock.kit.ids import TypedId
from interlock.runtime import tables
from interlock.runtime.context import UserId, WorkspaceId

_role, _role_check = tables.state("role", Role)
_key_status, _key_status_check = tables.state("status", KeyStatus)
_client_status, _client_status_check = tables.state("status", ClientStatus)
_client_kind, _client_kind_check = tables.state("kind", ClientKind)

users = Table(
    "users",
    tables.metadata,
    tables.key(),
    tables.guid(UserId),
    tables.reference("workspace_id", WorkspaceId),
    Column("email", String(320), nullable=False, unique=True),
    Column("name", String(200), nullable=False),
    Column("password_hash", String(200)),
    _role,
    _role_check,
    tables.moment("created_at"),
    tables.moment("deactivated_at", nullable=True),
    Index("ix_users_workspace_id_id", "workspace_id", "id"),
)

sessions = Table(
    "sessions",
    tables.metadata,
    tables.key(),
    tables.guid(SessionId),
    tables.reference("workspace_id", WorkspaceId),
    tables.reference("user_id", UserId, index=True),
    Column("token_hash", String(64), nullable=False, unique=True),
    tables.moment("created_at"),
    tables.moment("expires_at"),
    # Where the person sat, as far as the server could tell.
    Column("source", String(64)),
)

api_keys = Table(
    "api_keys",
    tables.metadata,
    tables.key(),
    tables.guid(ApiKeyId),
    tables.reference("workspace_id", WorkspaceId),
    tables.reference("user_id", UserId),
    Column("name", String(200), nullable=False),
    Column("scopes", tables.Json, nullable=False),
    Column("hint", String(20), nullable=False),
    Column("token_hash", String(64), nullable=False, unique=True),
    _key_status,
    _key_status_check,
    tables.moment("created_at"),
    tables.moment("revoked_at", nullable=True),
    Index("ix_api_keys_workspace_id_id", "workspace_id", "id"),
)

mcp_clients = Table(
    "mcp_clients",
    tables.metadata,
    tables.key(),
    tables.guid(McpClientId),
    tables.reference("workspace_id", WorkspaceId),
    tables.reference("user_id", UserId),
    Column("name", String(200), nullable=False),
    _client_kind,
    _client_kind_check,
    Column("tools", tables.Json),
    Column("resources", tables.Json, nullable=False),
    Column("token_hash", String(64), unique=True),
    _client_status,
    _client_status_check,
    tables.moment("created_at"),
    tables.moment("rotated_at", nullable=True),
    tables.moment("revoked_at", nullable=True),
    Index("ix_mcp_clients_workspace_id_id", "workspace_id", "id"),
)

# Apart from keys and clients, so that noting a use does not make every server forget what it knows of them.
credential_uses = Table(
    "credential_uses",
    tables.metadata,
    tables.key(),
    tables.reference("workspace_id", WorkspaceId),
    Column("credential_id", tables.IdType(TypedId), nullable=False, unique=True),
    tables.moment("last_used_at"),
)
