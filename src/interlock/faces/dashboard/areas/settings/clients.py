"""MCP clients: registered with what they may call, their bearer shown once with the lines to configure them."""

from starlette.responses import Response

from interlock.domains.accounts.service import clients
from interlock.domains.accounts.states import ClientKind
from interlock.domains.accounts.views import McpClientToken
from interlock.faces.dashboard.areas.settings.sections import section
from interlock.faces.dashboard.fields import given, query_without, words_of
from interlock.faces.dashboard.refusals import Problems, problems_of
from interlock.faces.dashboard.render import go
from interlock.faces.dashboard.routing import action, page
from interlock.faces.dashboard.visits import Visit
from interlock.faces.dashboard.words import json_text
from interlock.kit.errors import InterlockError

_WORDS = "The client sends it as a bearer. It is stored as a hash only and never shown again."


async def index(visit: Visit) -> Response:
    """All clients."""
    return await _page(visit)


async def register(visit: Visit) -> Response:
    """Register a client."""
    form = await visit.form()
    try:
        tools = words_of(form, "tools")
        values = {**given(form, "name", "kind"), **({"tools": tools} if tools else {})}
        made = await visit.call(clients.register_client, visit.command(clients.RegisterClient, values))
    except InterlockError as error:
        return await _page(visit, problems_of(error), form)
    return _shown(visit, made)


async def rotate(visit: Visit) -> Response:
    """Give a client a new bearer."""
    made = await visit.call(clients.rotate_client, visit.command(clients.ClientRef, {}, "client_id"))
    return _shown(visit, made)


async def revoke(visit: Visit) -> Response:
    """Cut a client off."""
    gone = await visit.call(clients.revoke_client, visit.command(clients.ClientRef, {}, "client_id"))
    return go(visit, "/settings/clients", said=f"'{gone.name}' is cut off for good.")


def _shown(visit: Visit, made: McpClientToken) -> Response:
    title = f"The bearer of '{made.name}'"
    server = {"type": "http", "url": made.url, "headers": {"Authorization": f"Bearer {made.bearer}"}}
    example = json_text({"mcpServers": {"interlock": server}})
    return section(
        visit,
        "settings/secret.html",
        title=title,
        words=_WORDS,
        secret=made.bearer,
        example=example,
        back="/settings/clients",
    )


async def _page(visit: Visit, problems: Problems | None = None, values: dict[str, str] | None = None) -> Response:
    query = {key: value for key, value in visit.query.items() if key == "offset"}
    return section(
        visit,
        "settings/clients.html",
        status=422 if problems else 200,
        found=await visit.call(clients.list_clients, visit.command(clients.ListClients, query)),
        kinds=tuple(ClientKind),
        values={"name": "", "kind": "", "tools": "", **(values or {})},
        problems=problems or Problems(),
        onward=query_without(query, "offset"),
    )


ROUTES = (
    page("/settings/clients", index),
    action("/settings/clients", register),
    action("/settings/clients/{client_id}/rotate", rotate),
    action("/settings/clients/{client_id}/revoke", revoke),
)
