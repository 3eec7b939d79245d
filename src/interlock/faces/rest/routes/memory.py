"""Routes about memories."""

from interlock.domains.memory import service as memory
from interlock.faces.rest.binding import NativeRoute, route
from interlock.faces.rest.wire.base import Deleted
from interlock.faces.rest.wire.memory import MatchesReply, MemoryCreated, MemoryDetail, MemoryRow, RecallReply

ROUTES: tuple[NativeRoute, ...] = (
    route("GET", "/api/v1/memory", memory.list_, list[MemoryRow]),
    route("POST", "/api/v1/memory", memory.create, MemoryCreated),
    route("POST", "/api/v1/memory/search", memory.search, MatchesReply),
    route("GET", "/api/v1/memory/{memory_id}", memory.get, MemoryDetail),
    route("PATCH", "/api/v1/memory/{memory_id}", memory.update, MemoryDetail),
    route("GET", "/api/v1/memory/{memory_id}/recalls", memory.recalls, list[RecallReply]),
    route("DELETE", "/api/v1/memory/{memory_id}", memory.delete, Deleted),
)
