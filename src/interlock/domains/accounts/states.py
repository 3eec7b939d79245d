"""The lives of credentials."""

from enum import StrEnum

from interlock.kit.states import Lifecycle


class KeyStatus(StrEnum):
    """A key works until it is revoked."""

    ACTIVE = "active"
    REVOKED = "revoked"


class ClientStatus(StrEnum):
    """An MCP client is connected until it is revoked for good."""

    CONNECTED = "connected"
    DISCONNECTED = "disconnected"


class ClientKind(StrEnum):
    """Which program a registered MCP client is."""

    CLAUDE_DESKTOP = "claude_desktop"
    CURSOR = "cursor"
    CUSTOM = "custom"


class Role(StrEnum):
    """What a person may do in the workspace."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"


KEY_LIFECYCLE = Lifecycle("API key", {KeyStatus.ACTIVE: frozenset({KeyStatus.REVOKED}), KeyStatus.REVOKED: frozenset()})
CLIENT_LIFECYCLE = Lifecycle(
    "MCP client",
    {ClientStatus.CONNECTED: frozenset({ClientStatus.DISCONNECTED}), ClientStatus.DISCONNECTED: frozenset()},
)
