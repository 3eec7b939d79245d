"""Rows of the connectors domain."""

from typing import Any

from sqlalchemy import Row, bindparam, select

from interlock.domains.connectors.models import connections
from interlock.domains.connectors.states import ConnectionStatus
from interlock.domains.connectors.views import Connection, ConnectorKind
from interlock.kit.paging import ListSpec
from interlock.runtime.repository import Repository

_BY_CONNECTOR = select(connections).where(
    connections.c.workspace_id == bindparam("workspace"), connections.c.connector == bindparam("connector")
)
_SEALED = select(connections.c.guid, connections.c.base_url, connections.c.sealed).where(
    connections.c.workspace_id == bindparam("workspace"),
    connections.c.connector == bindparam("connector"),
    connections.c.status == ConnectionStatus.CONNECTED,
)


class Connections(Repository[Connection]):
    """Connected accounts of a workspace, newest first."""

    table = connections
    view = Connection
    thing = "connection"
    listing = ListSpec(filters=frozenset({"status", "connector"}))

    async def of_connector(self, connector: ConnectorKind) -> Connection | None:
        """The workspace's account with a connector, in force or not."""
        session = await self.ctx.session()
        parameters = {"workspace": self.ctx.workspace_id, "connector": connector}
        row = (await session.execute(_BY_CONNECTOR, parameters)).first()
        return None if row is None else self.to_view(row)

    async def sealed(self, connector: ConnectorKind) -> Row[Any] | None:
        """The guid, address and sealed credentials of the account in force."""
        session = await self.ctx.session()
        parameters = {"workspace": self.ctx.workspace_id, "connector": connector}
        return (await session.execute(_SEALED, parameters)).first()
