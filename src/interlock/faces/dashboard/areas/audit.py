"""Audit: the evidence ledger with its filters, one entry with its hashes, verification, export, and the system log."""

from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from interlock.domains.activity import service as activity
from interlock.domains.governance.ledger import service as ledger
from interlock.domains.governance.ledger.service import EntryRef, ExportLedger, ListEntries, VerifyLedger
from interlock.domains.governance.ledger.views import EntryEvent, ExportFormat
from interlock.domains.governance.policies.views import Decision
from interlock.faces.dashboard.refusals import Problems, problems_of
from interlock.faces.dashboard.render import attachment, html
from interlock.faces.dashboard.routing import page
from interlock.faces.dashboard.visits import Visit
from interlock.faces.web.errors import STATUS
from interlock.kit.errors import InterlockError, Kind
from interlock.kit.paging import Page

_PAGE = 50
_STRETCH = 20_000
"""How many entries are verified for each step of the progress bar."""
_FILTERS = ("event", "tool", "decision", "caller", "check_id", "from", "to")


async def index(visit: Visit) -> Response:
    """The ledger, newest first, as the address filters it."""
    return await _listed(visit, "audit/index.html")


async def part(visit: Visit) -> Response:
    """The entries by themselves, when there are new ones."""
    return await _listed(visit, "audit/_entries.html")


async def entry(visit: Visit) -> Response:
    """One entry with its place in the chain."""
    return html(visit, "audit/entry.html", entry=await visit.call(ledger.get, visit.command(EntryRef, {}, "entry_id")))


async def verify(visit: Visit) -> Response:
    """Verify the next stretch of the chain; the part asks for the one behind it by itself."""
    first, gaps = _whole(visit, "first", 1), _whole(visit, "gaps", 0)
    newest = (await visit.call(ledger.list_, ListEntries(limit=1))).items
    last = newest[0].sequence if newest else 0
    end = first + _STRETCH - 1
    # The last stretch is open: entries that are written meanwhile are part of the chain.
    bounds: dict[str, Any] = {"from": str(first), **({"to": str(end)} if end < last else {})}
    told = await visit.call(ledger.verify, visit.command(VerifyLedger, bounds))
    return html(
        visit,
        "audit/_verified.html",
        told=told,
        last=last,
        checked=first - 1 + told.entries,
        gaps=gaps + told.gaps_total,
        onward=end + 1 if told.valid and end < last else None,
    )


async def export(visit: Visit) -> Response:
    """Evidence as a file, written while it is read."""
    values = {name: visit.query[name] for name in ("format", "framework", "from", "to") if name in visit.query}
    made = await visit.call(ledger.export, visit.command(ExportLedger, values))
    return attachment(made.filename, made.chunks, made.media_type)


async def log(visit: Visit) -> Response:
    """Who changed what, for operators; shorter-lived than evidence."""
    values = {name: visit.query[name] for name in ("operation", "offset") if name in visit.query}
    found = await visit.call(activity.list_, visit.command(activity.ListLog, {"limit": str(_PAGE), **values}))
    return html(visit, "audit/log.html", found=found, operation=visit.query.get("operation", ""))


async def _listed(visit: Visit, template: str) -> Response:
    chosen = {name: visit.query[name] for name in _FILTERS if name in visit.query}
    problems: Problems | None = None
    values = {"limit": str(_PAGE), **chosen, "offset": visit.query.get("offset", "0")}
    try:
        found = await visit.call(ledger.list_, visit.command(ListEntries, values))
    except InterlockError as error:
        if error.kind is not Kind.INVALID:
            raise
        problems, found = problems_of(error), Page((), _PAGE, 0)
    query = urlencode(chosen)
    return html(
        visit,
        template,
        status=200 if problems is None else STATUS[Kind.INVALID],
        found=found,
        chosen=chosen,
        query=query,
        here=f"/audit?{query}&" if query else "/audit?",
        problems=problems,
        events=tuple(EntryEvent),
        decisions=tuple(Decision),
        formats=tuple(ExportFormat),
    )


def _whole(visit: Visit, name: str, otherwise: int) -> int:
    text = visit.query.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 15 else otherwise


ROUTES = (
    page("/audit", index),
    page("/audit/entries", part),
    page("/audit/verify", verify),
    page("/audit/export", export),
    page("/audit/log", log),
    page("/audit/{entry_id}", entry),
)
