"""Home: what needs the person, what runs now, what it cost, what has happened, whether everything is in order."""

from datetime import UTC, timedelta
from typing import Any

from starlette.responses import Response

from interlock.domains.analytics import service as analytics
from interlock.domains.governance.approvals import service as approvals
from interlock.domains.governance.approvals.states import ApprovalStatus
from interlock.domains.llm.service import providers
from interlock.domains.notifications import service as notifications
from interlock.domains.notifications.states import Channel, NotificationKind, NotificationLevel, NotificationState
from interlock.domains.runs import service as runs
from interlock.domains.runs.states import RunStatus
from interlock.domains.settings import service as settings
from interlock.faces.dashboard.render import html
from interlock.faces.dashboard.routing import page
from interlock.faces.dashboard.visits import Visit
from interlock.kit.operations import Nothing

_SHOWN = 6
_RECENT = timedelta(days=1)
_SHOWN_ELSEWHERE = frozenset({NotificationKind.APPROVAL_REQUESTED, NotificationKind.RUN_FAILED})


async def home(visit: Visit) -> Response:
    """The whole page; each part is read again by itself when it changes."""
    return html(
        visit,
        "home/home.html",
        **await _waiting(visit),
        **await _working(visit),
        **await _spending(visit),
        **await _latest(visit),
        **await _health(visit),
    )


async def waiting(visit: Visit) -> Response:
    """What needs the person."""
    return html(visit, "home/_waiting.html", **await _waiting(visit))


async def working(visit: Visit) -> Response:
    """What runs now."""
    return html(visit, "home/_working.html", **await _working(visit))


async def spending(visit: Visit) -> Response:
    """Spending against its caps."""
    return html(visit, "home/_spending.html", **await _spending(visit))


async def latest(visit: Visit) -> Response:
    """The last runs."""
    return html(visit, "home/_latest.html", **await _latest(visit))


async def health(visit: Visit) -> Response:
    """Whether models and channels answer."""
    return html(visit, "home/_health.html", **await _health(visit))


async def _waiting(visit: Visit) -> dict[str, Any]:
    if not visit.may("workflows"):
        return {"approvals": (), "failures": (), "news": ()}
    pending = approvals.ListApprovals(status=ApprovalStatus.PENDING, limit=_SHOWN)
    failed = runs.ListRuns(status=RunStatus.FAILED, since=visit.ctx.now - _RECENT, limit=_SHOWN)
    news: list[Any] = []
    for level in (NotificationLevel.ERROR, NotificationLevel.WARNING):
        found = await visit.call(notifications.inbox, notifications.ListInbox(unread=True, level=level, limit=_SHOWN))
        news += (item for item in found.items if item.kind not in _SHOWN_ELSEWHERE)
    return {
        "approvals": (await visit.call(approvals.list_, pending)).items,
        "failures": (await visit.call(runs.list_, failed)).items,
        "news": tuple(news[:_SHOWN]),
    }


async def _working(visit: Visit) -> dict[str, Any]:
    if not visit.may("workflows"):
        return {"working": ()}
    found: list[Any] = []
    for status in (RunStatus.RUNNING, RunStatus.WAITING_APPROVAL, RunStatus.PAUSED):
        found += (await visit.call(runs.list_, runs.ListRuns(status=status, limit=_SHOWN))).items
    return {"working": tuple(sorted(found, key=lambda run: run.number, reverse=True)[:_SHOWN])}


async def _spending(visit: Visit) -> dict[str, Any]:
    yesterday = visit.ctx.now.astimezone(UTC).date() - timedelta(days=1)
    report = await visit.call(analytics.report, analytics.CostsOf(since=yesterday, top=1))
    return {"costs": report, "caps": {cap.name: cap for cap in report.caps}}


async def _latest(visit: Visit) -> dict[str, Any]:
    if not visit.may("workflows"):
        return {"latest": ()}
    return {"latest": (await visit.call(runs.list_, runs.ListRuns(limit=_SHOWN))).items}


async def _health(visit: Visit) -> dict[str, Any]:
    if not visit.may("admin"):
        return {"providers": (), "channels": {}}
    alerts = (await visit.call(settings.get, Nothing())).alerts
    places = {
        Channel.SLACK: alerts.slack_channel,
        Channel.EMAIL: alerts.email_to,
        Channel.WEBHOOK: alerts.webhook_url,
    }
    channels: dict[Channel, NotificationState | None] = {}
    for channel, place in places.items():
        if place:
            newest = notifications.ListNotifications(channel=channel, limit=1)
            found = (await visit.call(notifications.list_, newest)).items
            channels[channel] = found[0].state if found else None
    return {"providers": await visit.call(providers.health, Nothing()), "channels": channels}


ROUTES = (
    page("/", home),
    page("/_home/waiting", waiting),
    page("/_home/working", working),
    page("/_home/spending", spending),
    page("/_home/latest", latest),
    page("/_home/health", health),
)
