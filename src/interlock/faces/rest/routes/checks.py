"""Routes for programs that ask for a verdict and act themselves."""

from interlock.domains.governance.checks import service as checks
from interlock.faces.rest.binding import NativeRoute, route
from interlock.faces.rest.wire.checks import OutcomeReply, VerdictReply

ROUTES: tuple[NativeRoute, ...] = (
    route("POST", "/api/v1/check-action", checks.check_action, VerdictReply),
    route("POST", "/api/v1/record-outcome", checks.record_outcome, OutcomeReply),
)
