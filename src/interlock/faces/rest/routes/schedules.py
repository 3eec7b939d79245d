"""Routes about schedules."""

from interlock.domains.schedules import service as schedules
from interlock.faces.rest.binding import NativeRoute, route
from interlock.faces.rest.wire.base import Deleted
from interlock.faces.rest.wire.schedules import CalendarReply, FiringReply, PreviewReply, ScheduleReply, ScheduleRow

ROUTES: tuple[NativeRoute, ...] = (
    route("GET", "/api/v1/schedules", schedules.list_, list[ScheduleRow]),
    route("POST", "/api/v1/schedules", schedules.create, ScheduleReply),
    route("POST", "/api/v1/schedules/preview", schedules.preview, PreviewReply),
    route("GET", "/api/v1/schedules/upcoming", schedules.upcoming, CalendarReply),
    route("GET", "/api/v1/schedules/{schedule_id}", schedules.get, ScheduleReply),
    route("PATCH", "/api/v1/schedules/{schedule_id}", schedules.update, ScheduleReply),
    route("DELETE", "/api/v1/schedules/{schedule_id}", schedules.delete, Deleted),
    route("POST", "/api/v1/schedules/{schedule_id}/pause", schedules.pause, ScheduleReply),
    route("POST", "/api/v1/schedules/{schedule_id}/resume", schedules.resume, ScheduleReply),
    route("POST", "/api/v1/schedules/{schedule_id}/run", schedules.run_now, FiringReply),
    route("GET", "/api/v1/schedules/{schedule_id}/firings", schedules.firings, list[FiringReply]),
)
