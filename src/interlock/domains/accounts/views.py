"""What other domains and faces see of people and credentials; a secret appears only in the view that shows it once."""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from interlock.domains.accounts.states import ClientKind, ClientStatus, KeyStatus, Role
from interlock.kit.ids import TypedId
from interlock.kit.operations import View
from interlock.runtime.context import UserId


class ApiKeyId(TypedId):
    """An API key's identity; not the key."""

    prefix: ClassVar[str] = "key"


class McpClientId(TypedId):
    """A registered program's identity."""

    prefix: ClassVar[str] = "cli"


class SessionId(TypedId):
    """A sign-in."""

    prefix: ClassVar[str] = "ses"


class Scope(StrEnum):
    """A surface a key may touch."""

    WORKFLOWS = "workflows"
    CHATBOTS = "chatbots"
    AGENTS = "agents"
    TABLES = "tables"
    FORMS = "forms"
    MEMORY = "memory"
    ADMIN = "admin"


class User(View):
    """A person of the workspace."""

    id: UserId
    number: int
    email: str
    name: str
    role: Role
    created_at: datetime
    deactivated_at: datetime | None = None


class Session(View):
    """One of a person's sign-ins, without its token."""

    id: SessionId
    number: int
    source: str | None = None
    created_at: datetime
    expires_at: datetime
    is_current: bool = False


class Me(View):
    """A signed-in person and what the workspace's plan allows."""

    id: UserId
    email: str
    name: str
    plan: str
    has_ai_access: bool


class SignedIn(View):
    """A fresh session; the token is shown this once."""

    token: str
    expires_at: datetime
    user: User


class ApiKey(View):
    """An API key without its secret."""

    id: ApiKeyId
    number: int
    name: str
    user_id: UserId
    scopes: tuple[Scope, ...]
    hint: str
    status: KeyStatus
    created_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None = None


class NewApiKey(ApiKey):
    """A fresh API key; the secret is shown this once."""

    secret: str


class ValidKey(View):
    """Whose key it is and which surfaces it may touch."""

    valid: bool
    user_id: UserId
    scopes: tuple[Scope, ...]


class McpClient(View):
    """A registered program. `tools` and `resources` narrow what it may call; None means everything."""

    id: McpClientId
    number: int
    name: str
    kind: ClientKind
    user_id: UserId
    tools: tuple[str, ...] | None
    resources: dict[str, Any]
    status: ClientStatus
    created_at: datetime
    rotated_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None = None


class McpClientToken(McpClient):
    """A client with its bearer, shown this once, and the address to configure."""

    bearer: str
    url: str
