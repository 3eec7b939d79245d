"""The numbers that stand beside areas in the navigation."""

from starlette.responses import Response

from interlock.domains.governance.approvals import service as approvals
from interlock.domains.governance.approvals.states import ApprovalStatus
from interlock.domains.notifications import service as notifications
from interlock.faces.dashboard.render import html
from interlock.faces.dashboard.routing import page
from interlock.faces.dashboard.visits import Visit
from interlock.kit.operations import Nothing

_MOST = 50


async def waiting_approvals(visit: Visit) -> Response:
    """How many approvals wait."""
    waiting = await visit.call(approvals.list_, approvals.ListApprovals(status=ApprovalStatus.PENDING, limit=_MOST))
    return _count(visit, len(waiting.items), is_more=len(waiting.items) == _MOST)


async def unread(visit: Visit) -> Response:
    """How many items of the inbox are unread."""
    found = await visit.call(notifications.unread, Nothing())
    return _count(visit, found.unread, is_more=found.is_more)


def _count(visit: Visit, count: int, *, is_more: bool) -> Response:
    return html(visit, "home/_count.html", count=count, is_more=is_more)


ROUTES = (page("/_counts/approvals", waiting_approvals), page("/_counts/inbox", unread))
