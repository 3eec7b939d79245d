"""Platforms: Zapier, n8n and Make ask for verdicts through an address of their own, which is their credential."""

from starlette.responses import Response

from interlock.domains.governance.platforms import service as platforms
from interlock.domains.governance.platforms.states import PlatformKind
from interlock.faces.dashboard.areas.settings.sections import section
from interlock.faces.dashboard.fields import given, query_without, words_of
from interlock.faces.dashboard.refusals import Problems, problems_of
from interlock.faces.dashboard.render import go
from interlock.faces.dashboard.routing import action, page
from interlock.faces.dashboard.visits import Visit
from interlock.kit.errors import InterlockError

_WORDS = "The platform posts what it is about to do to this address and goes by the verdict. Keep it secret."


async def index(visit: Visit) -> Response:
    """All platform connections."""
    return await _page(visit)


async def create(visit: Visit) -> Response:
    """Connect a platform."""
    form = await visit.form()
    try:
        tools = words_of(form, "tools")
        values = {**given(form, "name", "kind"), **({"tools": tools} if tools else {})}
        made = await visit.call(platforms.create, visit.command(platforms.CreatePlatform, values))
    except InterlockError as error:
        return await _page(visit, problems_of(error), form)
    return _shown(visit, made.name, made.webhook_url)


async def rotate(visit: Visit) -> Response:
    """Give a connection a new address."""
    made = await visit.call(platforms.rotate, visit.command(platforms.PlatformRef, {}, "platform_id"))
    return _shown(visit, made.name, made.webhook_url)


async def disconnect(visit: Visit) -> Response:
    """Cut a platform off."""
    gone = await visit.call(platforms.disconnect, visit.command(platforms.PlatformRef, {}, "platform_id"))
    return go(visit, "/settings/platforms", said=f"'{gone.name}' is cut off for good.")


def _shown(visit: Visit, name: str, url: str | None) -> Response:
    body = '{"tool": "stripe.create_refund", "args": {"amount": 5000}}'
    example = f"curl -sS '{url}' \\\n  -H 'Content-Type: application/json' \\\n  -d '{body}'"
    return section(
        visit,
        "settings/secret.html",
        title=f"The address of '{name}'",
        words=_WORDS,
        secret=url,
        example=example,
        back="/settings/platforms",
    )


async def _page(visit: Visit, problems: Problems | None = None, values: dict[str, str] | None = None) -> Response:
    query = {key: value for key, value in visit.query.items() if key == "offset"}
    return section(
        visit,
        "settings/platforms.html",
        status=422 if problems else 200,
        found=await visit.call(platforms.list_, visit.command(platforms.ListPlatforms, query)),
        kinds=tuple(PlatformKind),
        values={"name": "", "kind": "", "tools": "", **(values or {})},
        problems=problems or Problems(),
        onward=query_without(query, "offset"),
    )


ROUTES = (
    page("/settings/platforms", index),
    action("/settings/platforms", create),
    action("/settings/platforms/{platform_id}/rotate", rotate),
    action("/settings/platforms/{platform_id}/disconnect", disconnect),
)
