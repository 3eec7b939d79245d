"""Deliveries: what was told to which address, every attempt, dead letters, once more."""

from typing import Any

from starlette.responses import Response

from interlock.domains.webhooks.service import deliveries, subscriptions
from interlock.domains.webhooks.states import DeliveryState
from interlock.faces.dashboard.fields import query_without
from interlock.faces.dashboard.render import go, html
from interlock.faces.dashboard.routing import action, page
from interlock.faces.dashboard.visits import Visit
from interlock.kit.paging import MAXIMUM_LIMIT


async def index(visit: Visit) -> Response:
    """All deliveries, or those of one state."""
    return html(visit, "webhooks/deliveries.html", **await _listed(visit))


async def listing(visit: Visit) -> Response:
    """The table by itself."""
    return html(visit, "webhooks/_deliveries.html", **await _listed(visit))


async def show(visit: Visit) -> Response:
    """One delivery."""
    return html(visit, "webhooks/delivery.html", **await _one(visit))


async def attempts(visit: Visit) -> Response:
    """One delivery's facts and attempts by themselves."""
    return html(visit, "webhooks/_delivery.html", **await _one(visit))


async def retry(visit: Visit) -> Response:
    """Make the next attempt now."""
    found = await visit.call(deliveries.retry, visit.command(deliveries.DeliveryRef, {}, "delivery_id"))
    return go(visit, f"/webhooks/deliveries/{found.id}", said="The next attempt is being made.")


async def _listed(visit: Visit) -> dict[str, Any]:
    query = {name: value for name, value in visit.query.items() if name in {"state", "event", "offset"}}
    wanted = visit.command(deliveries.ListDeliveries, {**query, "limit": 50})
    return {
        "found": await visit.call(deliveries.list_deliveries, wanted),
        "wanted": wanted,
        "states": tuple(DeliveryState),
        "addresses": await _addresses(visit),
        "onward": query_without(query, "offset"),
        "shown": query_without(query),
    }


async def _one(visit: Visit) -> dict[str, Any]:
    command = visit.command(deliveries.DeliveryRef, {}, "delivery_id")
    return {"delivery": await visit.call(deliveries.get_delivery, command), "addresses": await _addresses(visit)}


async def _addresses(visit: Visit) -> dict[Any, str]:
    wanted = subscriptions.ListSubscriptions(limit=MAXIMUM_LIMIT)
    return {each.id: each.url for each in (await visit.call(subscriptions.list_, wanted)).items}


ROUTES = (
    page("/webhooks/deliveries", index),
    page("/webhooks/deliveries/list", listing),
    page("/webhooks/deliveries/{delivery_id}", show),
    page("/webhooks/deliveries/{delivery_id}/attempts", attempts),
    action("/webhooks/deliveries/{delivery_id}/retry", retry),
)
