"""Routes about connected accounts."""

from interlock.domains.connectors import service as connectors
from interlock.faces.rest.binding import NativeRoute, route
from interlock.faces.rest.wire.connectors import ConnectionReply, ConnectionTestReply, DirectoryReply

ROUTES: tuple[NativeRoute, ...] = (
    route("GET", "/api/v1/connections", connectors.list_, list[ConnectionReply]),
    route("GET", "/api/v1/connections/{connection_id}", connectors.get, ConnectionReply),
    route("GET", "/api/v1/integrations", connectors.list_directory, DirectoryReply),
    route("POST", "/api/v1/integrations/{id}/connect", connectors.connect, ConnectionReply),
    route("POST", "/api/v1/integrations/{id}/disconnect", connectors.disconnect, ConnectionReply),
    route("POST", "/api/v1/integrations/{id}/test", connectors.test, ConnectionTestReply),
)
