"""Native replies about connected accounts."""

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


class ConnectionTestReply(Wire):
    """What the provider said to the account's credentials; `ok` is null where asking would start something."""

    connector: ConnectorKind
    ok: bool | None
    account: str | None
    message: str
