"""Operations on registered MCP clients and their bearers."""

from dataclasses import replace
from typing import Annotated

from pydantic import Field

from interlock.domains.accounts.events import ClientRegistered, ClientTokenChanged
from interlock.domains.accounts.repository import McpClients, Users
from interlock.domains.accounts.service.identify import CLIENT_PREFIX
from interlock.domains.accounts.states import CLIENT_LIFECYCLE, ClientKind, ClientStatus
from interlock.domains.accounts.uses import with_uses
from interlock.domains.accounts.views import McpClient, McpClientId, McpClientToken
from interlock.kit.errors import conflict
from interlock.kit.operations import Command, Effect, operation
from interlock.kit.paging import Page, PageQuery
from interlock.runtime.context import Ctx
from interlock.runtime.secrets import hashed, new_token

Pattern = Annotated[str, Field(min_length=1, max_length=200)]
ToolPatterns = Annotated[
    tuple[Pattern, ...], Field(max_length=200, description="Tool names or namespaces; absent: all.")
]
ResourcePatterns = dict[Pattern, tuple[Pattern, ...]]


class RegisterClient(Command):
    """A program that will call tools, and what it may reach."""

    name: Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]
    kind: ClientKind
    tools: ToolPatterns | None = None
    resources: Annotated[ResourcePatterns, Field(description="Globs per argument, such as channel: ops-*.")] = Field(
        default_factory=dict
    )


class ClientRef(Command):
    """Which client."""

    client_id: McpClientId


class ListClients(PageQuery):
    """Which clients, and which page of them."""

    status: ClientStatus | None = None


@operation("accounts.register_client", effect=Effect.WRITE)
async def register_client(ctx: Ctx, command: RegisterClient) -> McpClientToken:
    """Register an MCP client; its bearer is shown this once."""
    bearer = new_token(CLIENT_PREFIX)
    client = await McpClients(ctx).add(
        McpClientId.new(),
        user_id=ctx.actor.user_id or (await Users(ctx).first_owner()).id,
        name=command.name,
        kind=command.kind,
        tools=None if command.tools is None else list(command.tools),
        resources={name: list(globs) for name, globs in command.resources.items()},
        token_hash=hashed(bearer),
        status=ClientStatus.CONNECTED,
        created_at=ctx.now,
        rotated_at=None,
        revoked_at=None,
    )
    await ctx.emit(ClientRegistered(client_id=client.id))
    return _shown_once(ctx, client, bearer)


@operation("accounts.rotate_client", effect=Effect.WRITE)
async def rotate_client(ctx: Ctx, command: ClientRef) -> McpClientToken:
    """Replace an MCP client's bearer; the old one is dead at once."""
    clients = McpClients(ctx)
    if (await clients.get(command.client_id)).status is not ClientStatus.CONNECTED:
        raise conflict("This MCP client is revoked; register a new one.")
    bearer = new_token(CLIENT_PREFIX)
    client = await clients.change_connected(command.client_id, {"token_hash": hashed(bearer), "rotated_at": ctx.now})
    await ctx.emit(ClientTokenChanged(client_id=client.id))
    return _shown_once(ctx, client, bearer)


def _shown_once(ctx: Ctx, client: McpClient, bearer: str) -> McpClientToken:
    return McpClientToken(**dict(client), bearer=bearer, url=f"{ctx.settings.base_url}/api/mcp")


@operation("accounts.revoke_client", effect=Effect.WRITE)
async def revoke_client(ctx: Ctx, command: ClientRef) -> McpClient:
    """Cut an MCP client off for good; its record and history stay."""
    clients = McpClients(ctx)
    CLIENT_LIFECYCLE.check((await clients.get(command.client_id)).status, ClientStatus.DISCONNECTED)
    client = await clients.change_connected(
        command.client_id,
        {"status": ClientStatus.DISCONNECTED, "token_hash": None, "revoked_at": ctx.now},
    )
    await ctx.emit(ClientTokenChanged(client_id=client.id))
    return client


@operation("accounts.list_clients")
async def list_clients(ctx: Ctx, command: ListClients) -> Page[McpClient]:
    """List registered MCP clients; bearers are never shown again."""
    page = await McpClients(ctx).page(command, {"status": command.status})
    return replace(page, items=await with_uses(ctx, page.items))


@operation("accounts.get_client")
async def get_client(ctx: Ctx, command: ClientRef) -> McpClient:
    """Show one registered MCP client."""
    return await McpClients(ctx).get(command.client_id)
