"""Memory: what is remembered, found by words and by meaning, and why each thing was recalled."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from starlette.responses import Response

from interlock.domains.memory import service as memory
from interlock.domains.memory.states import MemoryType, OwnerKind
from interlock.domains.memory.views import Memory
from interlock.faces.dashboard.refusals import Problems, problems_of
from interlock.faces.dashboard.render import go, html, toast
from interlock.faces.dashboard.routing import action, page
from interlock.faces.dashboard.visits import Visit
from interlock.kit.errors import InterlockError, invalid

_FOUND = 20
_LISTED = 30
_RECALLS = 20
_FILTERS = ("type", "owner_kind", "owner_id", "tag", "pinned", "archived")
_SEARCHED = ("type", "owner_kind", "owner_id", "pinned")
_KINDS = [(kind.value, kind.value.replace("_", " ")) for kind in MemoryType]
_OWNERS = [
    (OwnerKind.WORKSPACE.value, "everybody in the workspace"),
    (OwnerKind.USER.value, "one person"),
    (OwnerKind.AGENT.value, "one agent"),
    (OwnerKind.IDENTITY.value, "one identity"),
]
_EMPTY: dict[str, Any] = {
    "content": "", "title": "", "type": MemoryType.BUSINESS.value, "tags": "", "importance": memory.DEFAULT_IMPORTANCE,
    "confidence": memory.DEFAULT_CONFIDENCE, "pinned": False, "expires_at": "",
    "owner_kind": OwnerKind.WORKSPACE.value, "owner_id": "",
}  # fmt: skip


async def listed(visit: Visit) -> Response:
    """The page: a search, or everything that is remembered, newest first."""
    return html(visit, "memory/list.html", **await _shown(visit))


async def part(visit: Visit) -> Response:
    """The list alone, read again when memories change."""
    return html(visit, "memory/_list.html", **await _shown(visit))


async def _shown(visit: Visit) -> dict[str, Any]:
    query = visit.query
    filters: dict[str, str] = {name: query[name] for name in _FILTERS if name in query}
    question: str = query.get("q", "")
    values: dict[str, Any] = {
        "q": question, "filters": filters, "kinds": _KINDS, "owners": _OWNERS, "found": None, "page": None,
        "query": urlencode(filters),
    }  # fmt: skip
    wanted: dict[str, Any]
    if question:
        asked: dict[str, str] = {name: filters[name] for name in _SEARCHED if name in filters}
        tags = [filters["tag"]] if "tag" in filters else []
        wanted = {**asked, "query": question, "tags": tags, "top_k": _FOUND}
        found = await visit.call(memory.search, visit.command(memory.SearchMemories, wanted))
        return {**values, "found": found.results}
    wanted = {**filters, "limit": _LISTED, "offset": query.get("offset", 0)}
    return {**values, "page": await visit.call(memory.list_, visit.command(memory.ListMemories, wanted))}


async def new(visit: Visit) -> Response:
    """The form for something to remember."""
    return _form(visit, _EMPTY)


def _form(visit: Visit, values: dict[str, Any], problems: Problems | None = None) -> Response:
    facts = {"values": values, "problems": problems or Problems(), "kinds": _KINDS, "owners": _OWNERS}
    return html(visit, "memory/new.html", status=422 if problems else 200, **facts)


async def add(visit: Visit) -> Response:
    """Remember something."""
    sent = await visit.form()
    try:
        owner = {"owner_kind": sent.get("owner_kind", ""), "owner_id": sent.get("owner_id") or None}
        command = visit.command(memory.CreateMemory, {**_values(sent, visit.zone), **owner})
        made = await visit.call(memory.create, command)
    except InterlockError as error:
        return _form(visit, {**_EMPTY, **sent, "pinned": "pinned" in sent}, problems_of(error))
    words = "This was remembered already; the new tags were added." if made.is_duplicate else "Remembered."
    return go(visit, f"/memory/{made.id}", said=words)


async def shown(visit: Visit) -> Response:
    """One memory: to change, and the times it was recalled."""
    return await _detail(visit)


async def recalls(visit: Visit) -> Response:
    """The times it was recalled, read again when there are more."""
    return html(visit, "memory/_recalls.html", **await _recalled(visit))


async def _detail(visit: Visit, sent: dict[str, Any] | None = None, problems: Problems | None = None) -> Response:
    found = await visit.call(memory.get, visit.command(memory.MemoryRef, {}, "memory_id"))
    facts = {"values": _texts(found, visit.zone) if sent is None else sent, "problems": problems or Problems()}
    status = 422 if problems else 200
    return html(
        visit, "memory/detail.html", status=status, memory=found, kinds=_KINDS, **facts, **await _recalled(visit)
    )


async def _recalled(visit: Visit) -> dict[str, Any]:
    wanted = {"limit": _RECALLS, "offset": visit.query.get("offset", 0)}
    found = await visit.call(memory.recalls, visit.command(memory.ListRecalls, wanted, "memory_id"))
    return {"recalls": found, "memory_id": visit.path("memory_id")}


async def change(visit: Visit) -> Response:
    """Change a memory."""
    sent = await visit.form()
    try:
        await visit.call(memory.update, visit.command(memory.UpdateMemory, _values(sent, visit.zone), "memory_id"))
    except InterlockError as error:
        return await _detail(visit, {**sent, "pinned": "pinned" in sent}, problems_of(error))
    return go(visit, f"/memory/{visit.path('memory_id')}", said="Saved.")


async def mark(visit: Visit) -> Response:
    """Pin or unpin, archive or bring back."""
    sent = await visit.form()
    values: dict[str, str] = {name: sent[name] for name in ("pinned", "archived") if name in sent}
    changed = await visit.call(memory.update, visit.command(memory.UpdateMemory, values, "memory_id"))
    if visit.is_htmx:
        return toast(visit, _told(values, changed))
    return go(visit, f"/memory/{changed.id}", said=_told(values, changed))


def _told(values: dict[str, str], changed: Memory) -> str:
    if "archived" in values:
        return "Archived: no search and no prompt finds it now." if changed.archived else "It is found again."
    return "Pinned: it is never forgotten." if changed.pinned else "No longer pinned."


async def forget(visit: Visit) -> Response:
    """Delete a memory for good."""
    await visit.call(memory.delete, visit.command(memory.MemoryRef, {}, "memory_id"))
    return go(visit, "/memory", said="Forgotten for good.")


def _values(sent: dict[str, str], zone: ZoneInfo) -> dict[str, Any]:
    """The fields of the form as the operation takes them."""
    tags = tuple(tag.strip() for tag in sent.get("tags", "").split(",") if tag.strip())
    values: dict[str, Any] = {name: sent.get(name, "") for name in ("content", "type", "importance", "confidence")}
    moment = _moment(sent.get("expires_at", ""), zone)
    title = sent.get("title", "").strip() or None
    return {**values, "title": title, "tags": tags, "pinned": "pinned" in sent, "expires_at": moment}


def _moment(text: str, zone: ZoneInfo) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=zone)
    except ValueError:
        raise invalid("Choose a day and a time.", field="expires_at") from None


def _texts(found: Memory, zone: ZoneInfo) -> dict[str, Any]:
    """A memory as the form shows it."""
    moment = "" if found.expires_at is None else found.expires_at.astimezone(zone).strftime("%Y-%m-%dT%H:%M")
    return {**found.model_dump(), "type": found.type.value, "tags": ", ".join(found.tags), "expires_at": moment}


ROUTES = (
    page("/memory", listed),
    page("/memory/_list", part),
    page("/memory/new", new),
    action("/memory/new", add),
    page("/memory/{memory_id}", shown),
    page("/memory/{memory_id}/_recalls", recalls),
    action("/memory/{memory_id}", change),
    action("/memory/{memory_id}/mark", mark),
    action("/memory/{memory_id}/forget", forget),
)
