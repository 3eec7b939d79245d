"""Routes about costs."""

from interlock.domains.analytics import service as analytics
from interlock.faces.rest.binding import NativeRoute, route
from interlock.faces.rest.wire.analytics import CostReply

ROUTES: tuple[NativeRoute, ...] = (route("GET", "/api/v1/costs", analytics.report, CostReply),)
