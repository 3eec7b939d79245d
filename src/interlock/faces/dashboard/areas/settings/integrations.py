"""Integrations: the directory of outside systems; connected with credentials, tested, disconnected."""

from collections.abc import Mapping

from starlette.responses import Response

from interlock.domains.connectors import service as connectors
from interlock.domains.connectors.kinds import CONNECTORS
from interlock.domains.connectors.views import ConnectorKind
from interlock.faces.dashboard.areas.settings.sections import section
from interlock.faces.dashboard.refusals import Problems, problems_of
from interlock.faces.dashboard.render import go
from interlock.faces.dashboard.routing import action, page
from interlock.faces.dashboard.visits import Visit
from interlock.kit.errors import InterlockError

_SHOWN_COMING = 60


async def index(visit: Visit) -> Response:
    """The directory."""
    query = {name: value for name, value in visit.query.items() if name in {"q", "category", "connected", "available"}}
    found = await visit.call(connectors.list_directory, visit.command(connectors.ReadDirectory, query))
    usable = tuple(each for each in found.integrations if each.available)
    coming = tuple(each for each in found.integrations if not each.available)
    return section(
        visit,
        "settings/integrations.html",
        found=found,
        query=query,
        usable=usable,
        coming=coming[:_SHOWN_COMING],
        more=max(len(coming) - _SHOWN_COMING, 0),
    )


async def show(visit: Visit) -> Response:
    """The form to connect a system."""
    return await _form(visit, _kind(visit), {})


async def connect(visit: Visit) -> Response:
    """Connect a system; its credentials are never shown again."""
    kind, form = _kind(visit), await visit.form()
    facts = CONNECTORS[kind]
    names = (*facts.required, *facts.optional)
    secrets = {name: form[f"credentials.{name}"] for name in names if form.get(f"credentials.{name}")}
    try:
        values = {"id": kind.integration_id, "credentials": secrets}
        if form.get("base_url", "").strip():
            values["base_url"] = form["base_url"].strip()
        await visit.call(connectors.connect, visit.command(connectors.ConnectAccount, values))
    except InterlockError as error:
        return await _form(visit, kind, form, problems_of(error))
    return await _tested(visit, kind)


async def test(visit: Visit) -> Response:
    """Ask a system whether it accepts the credentials."""
    return await _tested(visit, _kind(visit))


async def disconnect(visit: Visit) -> Response:
    """Disconnect a system."""
    kind = _kind(visit)
    command = visit.command(connectors.IntegrationRef, {"id": kind.integration_id})
    await visit.call(connectors.disconnect, command)
    return go(
        visit, "/settings/integrations", said=f"{CONNECTORS[kind].name} is disconnected; its credentials are gone."
    )


async def _tested(visit: Visit, kind: ConnectorKind) -> Response:
    command = visit.command(connectors.IntegrationRef, {"id": kind.integration_id})
    found = await visit.call(connectors.test, command)
    return go(visit, f"/settings/integrations/{kind.integration_id}", said=found.message)


def _kind(visit: Visit) -> ConnectorKind:
    return visit.command(connectors.IntegrationRef, {}, "id").id


async def _form(
    visit: Visit, kind: ConnectorKind, values: Mapping[str, str], problems: Problems | None = None
) -> Response:
    accounts = await visit.call(connectors.list_, connectors.ListConnections(limit=len(ConnectorKind)))
    account = next((each for each in accounts.items if each.connector is kind), None)
    return section(
        visit,
        "settings/integration.html",
        status=422 if problems else 200,
        kind=kind,
        facts=CONNECTORS[kind],
        account=account,
        base_url=values.get("base_url", "" if account is None else account.base_url),
        problems=problems or Problems(),
    )


ROUTES = (
    page("/settings/integrations", index),
    page("/settings/integrations/{id}", show),
    action("/settings/integrations/{id}", connect),
    action("/settings/integrations/{id}/test", test),
    action("/settings/integrations/{id}/disconnect", disconnect),
)
