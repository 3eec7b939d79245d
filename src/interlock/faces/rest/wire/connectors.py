"""Native replies about connected accounts."""

from pydantic import Field

from interlock.domains.connectors.states import ConnectionStatus
from interlock.domains.connectors.views import ConnectionId, ConnectorKind
from interlock.faces.rest.wire.base import Timestamp, Wire


class ConnectionReply(Wire):
    """A connected account; its credentials are never shown again."""

    id: ConnectionId
    connector: ConnectorKind
    base_url: str
    credential_fields: tuple[str, ...]
    status: ConnectionStatus
    connected_at: Timestamp
    disconnected_at: Timestamp | None


class IntegrationRow(Wire):
    """An outside system in the directory; `connected_at` is left out while it is not connected."""

    id: str
    name: str
    category: str
    available: bool
    connected: bool
    connected_at: Timestamp | None = Field(default=None, exclude_if=lambda moment: moment is None)


class DirectoryReply(Wire):
    """The integrations directory; systems that are not `available` are announced only."""

    total: int
    available: int
    coming_soon: int
    connected: int
    integrations: tuple[IntegrationRow, ...]


class ConnectionTestReply(Wire):
    """What the provider said to the account's credentials; `ok` is null where asking would start something."""

    connector: ConnectorKind
    ok: bool | None
    account: str | None
    message: str
