"""Subscriptions: which address outside is told of which events."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from interlock.domains.webhooks.service import deliveries, subscriptions
from interlock.domains.webhooks.states import SignatureStyle
from interlock.domains.webhooks.views import Subscription
from interlock.faces.dashboard.fields import given, query_without
from interlock.faces.dashboard.refusals import Problems, problems_of
from interlock.faces.dashboard.render import go, html
from interlock.faces.dashboard.routing import action, page
from interlock.faces.dashboard.visits import Visit
from interlock.kit.errors import InterlockError
from interlock.kit.operations import Nothing


async def index(visit: Visit) -> Response:
    """All subscriptions."""
    query = {name: value for name, value in visit.query.items() if name == "offset"}
    found = await visit.call(subscriptions.list_, visit.command(subscriptions.ListSubscriptions, query))
    return html(visit, "webhooks/subscriptions.html", found=found, onward=query_without(query, "offset"))


async def new(visit: Visit) -> Response:
    """The form of a new subscription."""
    return await _form(visit, None, {"url": "", "description": ""}, ("run.failed", "approval.requested"), ())


async def create(visit: Visit) -> Response:
    """Have an address told; the secret is shown on this reply and nowhere else."""
    form, lists = await visit.form(), await visit.form_lists()
    events, styles = lists.get("events", []), lists.get("styles", [])
    try:
        values = {**given(form, "url", "description"), "events": events, "styles": styles}
        made = await visit.call(subscriptions.subscribe, visit.command(subscriptions.Subscribe, values))
    except InterlockError as error:
        return await _form(visit, None, form, tuple(events), tuple(styles), problems_of(error))
    return html(visit, "webhooks/subscription_secret.html", subscription=made, title="The address is told from now on")


async def edit(visit: Visit) -> Response:
    """The form of a subscription."""
    found = await _subscription(visit)
    values = {"url": found.url, "description": found.description or ""}
    return await _form(visit, found, values, found.events, tuple(style.value for style in found.styles))


async def update(visit: Visit) -> Response:
    """Change a subscription."""
    found, form, lists = await _subscription(visit), await visit.form(), await visit.form_lists()
    events, styles = lists.get("events", []), lists.get("styles", [])
    try:
        values = {**given(form, "url"), "events": events, "styles": styles}
        values["description"] = form.get("description", "").strip() or None
        command = visit.command(subscriptions.UpdateSubscription, values, "subscription_id")
        await visit.call(subscriptions.update, command)
    except InterlockError as error:
        return await _form(visit, found, form, tuple(events), tuple(styles), problems_of(error))
    return go(visit, f"/webhooks/subscriptions/{found.id}", said="Changed.")


async def show(visit: Visit) -> Response:
    """One subscription and what it was told."""
    return html(visit, "webhooks/subscription.html", **await _one(visit))


async def told(visit: Visit) -> Response:
    """One subscription's facts and deliveries by themselves."""
    return html(visit, "webhooks/_subscription.html", **await _one(visit))


async def switch(visit: Visit) -> Response:
    """Pause a subscription, or wake it."""
    wanted = (await visit.form()).get("status", "")
    command = visit.command(subscriptions.UpdateSubscription, {"status": wanted}, "subscription_id")
    found = await visit.call(subscriptions.update, command)
    said = "It is told again." if wanted == "active" else "It is told nothing until you resume it."
    return go(visit, f"/webhooks/subscriptions/{found.id}", said=said)


async def ping(visit: Visit) -> Response:
    """Send a test."""
    command = visit.command(subscriptions.SubscriptionRef, {}, "subscription_id")
    made = await visit.call(deliveries.ping, command)
    return go(visit, f"/webhooks/deliveries/{made.id}", said="A test is on its way.")


async def rotate(visit: Visit) -> Response:
    """Give a subscription a new secret."""
    command = visit.command(subscriptions.RotateSecret, {}, "subscription_id")
    made = await visit.call(subscriptions.rotate_secret, command)
    title = "For a day the old secret signs beside the new one"
    return html(visit, "webhooks/subscription_secret.html", subscription=made, title=title)


async def delete(visit: Visit) -> Response:
    """Stop telling an address."""
    command = visit.command(subscriptions.SubscriptionRef, {}, "subscription_id")
    await visit.call(subscriptions.delete, command)
    return go(visit, "/webhooks/subscriptions", said="It is told nothing any more; what was told stays on record.")


async def _subscription(visit: Visit) -> Subscription:
    command = visit.command(subscriptions.SubscriptionRef, {}, "subscription_id")
    return await visit.call(subscriptions.get, command)


async def _one(visit: Visit) -> dict[str, Any]:
    found = await _subscription(visit)
    wanted = deliveries.ListDeliveries(subscription_id=found.id, limit=15)
    return {"subscription": found, "found": await visit.call(deliveries.list_deliveries, wanted)}


async def _form(
    visit: Visit,
    subscription: Subscription | None,
    values: Mapping[str, str],
    events: tuple[str, ...],
    styles: tuple[str, ...],
    problems: Problems | None = None,
) -> Response:
    known = await visit.call(subscriptions.events, Nothing())
    names = {event.name for event in known}
    return html(
        visit,
        "webhooks/subscription_form.html",
        status=422 if problems else 200,
        subscription=subscription,
        values={"url": "", "description": "", **values},
        events=events,
        globs=[pattern for pattern in events if pattern not in names and pattern != "*"],
        styles=styles,
        known=known,
        all_styles=tuple(SignatureStyle),
        problems=problems or Problems(),
    )


ROUTES = (
    page("/webhooks/subscriptions", index),
    page("/webhooks/subscriptions/new", new),
    action("/webhooks/subscriptions/new", create),
    page("/webhooks/subscriptions/{subscription_id}", show),
    page("/webhooks/subscriptions/{subscription_id}/told", told),
    page("/webhooks/subscriptions/{subscription_id}/edit", edit),
    action("/webhooks/subscriptions/{subscription_id}/edit", update),
    action("/webhooks/subscriptions/{subscription_id}/switch", switch),
    action("/webhooks/subscriptions/{subscription_id}/ping", ping),
    action("/webhooks/subscriptions/{subscription_id}/rotate", rotate),
    action("/webhooks/subscriptions/{subscription_id}/delete", delete),
)
