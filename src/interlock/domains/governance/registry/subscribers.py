"""What the registry hears of from domains below it: registered programs come and go."""

from collections.abc import Sequence

from interlock.domains.accounts.events import ClientRegistered, ClientTokenChanged
from interlock.domains.accounts.service import clients
from interlock.domains.accounts.states import ClientStatus
from interlock.domains.accounts.views import McpClient
from interlock.domains.governance.registry.service import NoteSystem, note, note_removed
from interlock.domains.governance.registry.states import SystemKind
from interlock.kit.paging import MAXIMUM_LIMIT
from interlock.runtime.context import Ctx


async def on_client_changed(ctx: Ctx, event: ClientRegistered | ClientTokenChanged) -> None:
    """Register a program, or take it off the inventory when it was cut off."""
    async with ctx.begin() as unit:
        client = await clients.get_client(unit, clients.ClientRef(client_id=event.client_id))
        if client.status is ClientStatus.CONNECTED:
            await note(unit, _system(client))
        else:
            await note_removed(unit, SystemKind.MCP_CLIENT, str(client.id))


async def systems(ctx: Ctx) -> Sequence[NoteSystem]:
    """Every program that is registered."""
    found: list[NoteSystem] = []
    while True:
        query = clients.ListClients(status=ClientStatus.CONNECTED, limit=MAXIMUM_LIMIT, offset=len(found))
        async with ctx.begin(write=False) as reading:
            page = await clients.list_clients(reading, query)
        found += [_system(client) for client in page.items]
        if len(page.items) < MAXIMUM_LIMIT:
            return found


def _system(client: McpClient) -> NoteSystem:
    resources = {name: tuple(globs) for name, globs in client.resources.items()}
    return NoteSystem(SystemKind.MCP_CLIENT, str(client.id), client.name, client.user_id, client.tools, resources)
