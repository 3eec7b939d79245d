"""Tables of the connectors domain."""

from sqlalchemy import Column, Index, LargeBinary, String, Table

from interlock.domains.connectors.states import ConnectionStatus
from interlock.domains.connectors.views import ConnectionId, ConnectorKind
from interlock.runtime import tables
from interlock.runtime.context import WorkspaceId

_status, _status_check = tables.state("status", ConnectionStatus)
_connector, _connector_check = tables.state("connector", ConnectorKind)

connections = Table(
    "connections",
    tables.metadata,
    tables.key(),
    tables.guid(ConnectionId),
    tables.reference("workspace_id", WorkspaceId),
    _connector,
    _connector_check,
    Column("base_url", String(500), nullable=False),
    Column("credential_fields", tables.Json, nullable=False),
    # Emptied on disconnection: a credential nobody needs must not lie about.
    Column("sealed", LargeBinary),
    _status,
    _status_check,
    tables.moment("connected_at"),
    tables.moment("disconnected_at", nullable=True),
    Index("uq_connections_workspace_id_connector", "workspace_id", "connector", unique=True),
)
