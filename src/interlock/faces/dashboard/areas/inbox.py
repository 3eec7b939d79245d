"""The inbox: news for people, by what is unread, kind and weight; read, dismissed, and kept up to date."""

from typing import Any

from starlette.responses import Response

from interlock.domains.notifications import service as notifications
from interlock.domains.notifications.states import NotificationKind, NotificationLevel
from interlock.domains.notifications.views import InboxItem
from interlock.faces.dashboard.fields import query_without
from interlock.faces.dashboard.render import go, html
from interlock.faces.dashboard.routing import action, page
from interlock.faces.dashboard.visits import Visit
from interlock.kit.operations import Nothing

_PLACES = {
    "run": "/runs/{}",
    "approval": "/approvals/{}",
    "schedule": "/schedules/{}",
    "webhook_subscription": "/webhooks/subscriptions/{}",
    "policy": "/policies/{}",
    "budget": "/costs",
}


async def inbox(visit: Visit) -> Response:
    """The whole page."""
    return html(visit, "inbox/inbox.html", **await _news(visit))


async def news(visit: Visit) -> Response:
    """The list of news."""
    return html(visit, "inbox/_list.html", **await _news(visit))


async def read(visit: Visit) -> Response:
    """Mark one piece of news as read, or all that the page showed and what came before."""
    form = await visit.form()
    values = {"ids": [form["item_id"]]} if form.get("item_id") else {"before": form.get("before")}
    left = await visit.call(notifications.mark_read, visit.command(notifications.MarkRead, values))
    return go(visit, f"/inbox{_back(form)}", said=f"Read. {left.unread} unread." if left.unread else "All read.")


async def dismiss(visit: Visit) -> Response:
    """Remove a piece of news."""
    await visit.call(notifications.dismiss, visit.command(notifications.InboxItemRef, {}, "item_id"))
    return go(visit, f"/inbox{_back(await visit.form())}", said="Removed from the inbox.")


async def _news(visit: Visit) -> dict[str, Any]:
    query = {name: value for name, value in visit.query.items() if name in {"unread", "kind", "level", "offset"}}
    wanted = visit.command(notifications.ListInbox, {**query, "limit": 30})
    found = await visit.call(notifications.inbox, wanted)
    return {
        "found": found,
        "wanted": wanted,
        "count": await visit.call(notifications.unread, Nothing()),
        "kinds": tuple(NotificationKind),
        "levels": tuple(NotificationLevel),
        "places": {item.id: place for item in found.items if (place := _place(item)) is not None},
        "onward": query_without(query, "offset"),
        "shown": query_without(query),
        "now": visit.ctx.now,
    }


def _place(item: InboxItem) -> str | None:
    """The page of what a piece of news is about."""
    place = _PLACES.get(item.subject_kind or "")
    return place.format(item.subject_id) if place and item.subject_id else None


def _back(form: dict[str, str]) -> str:
    """The filters to go back to."""
    query = form.get("back", "")
    return query if query.startswith("?") else ""


ROUTES = (
    page("/inbox", inbox),
    page("/inbox/list", news),
    action("/inbox/read", read),
    action("/inbox/{item_id}/dismiss", dismiss),
)
