"""Documents: handing files in, how far their reading has come, searching their passages, reading their text."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from starlette.responses import Response

from interlock.domains.documents import errors
from interlock.domains.documents import service as documents
from interlock.domains.documents.states import DocumentStatus
from interlock.domains.documents.views import Document, Passage
from interlock.faces.dashboard.refusals import Problems, problems_of
from interlock.faces.dashboard.render import go, html
from interlock.faces.dashboard.routing import action, page
from interlock.faces.dashboard.visits import Visit
from interlock.faces.web.multipart import UploadedFile, received_form
from interlock.kit.errors import InterlockError, invalid
from interlock.runtime.search.words import terms_of

_LISTED = 30
_FOUND = 10
_STRETCH = 10_000
_MOST_FILES = 20
_FILES_AT_ONCE = 4
_SHORTEST = 3


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text, marked where it holds a word that was asked for."""

    text: str
    is_marked: bool


def marked(text: str, question: str) -> list[Piece]:
    """A text in pieces: words of the question, and what begins like them, stand alone."""
    words = {word.removesuffix("s") for term in terms_of(question) for word in term if len(word) >= _SHORTEST}
    if not words:
        return [Piece(text, is_marked=False)]
    any_word = "|".join(map(re.escape, sorted(words, key=len, reverse=True)))
    found = re.split(rf"(?i)(\b(?:{any_word})\w*)", text)
    return [Piece(part, number % 2 == 1) for number, part in enumerate(found) if part]


async def listed(visit: Visit) -> Response:
    """The page: a search over all passages, or the documents, newest first."""
    return await _listed(visit)


async def _listed(visit: Visit, problems: Problems | None = None) -> Response:
    question = visit.query.get("q", "")
    passages: Sequence[Passage] = ()
    if question:
        passages = await visit.call(
            documents.search, visit.command(documents.FindPassages, {"query": question, "top_k": _FOUND})
        )
    return html(
        visit,
        "documents/list.html",
        status=422 if problems else 200,
        q=question,
        passages=passages,
        marked=marked,
        problems=problems or Problems(),
        most_bytes=visit.ctx.settings.max_upload_bytes,
        **await _page(visit),
    )


async def part(visit: Visit) -> Response:
    """The list alone, read again while documents are being read."""
    return html(visit, "documents/_list.html", **await _page(visit))


async def _page(visit: Visit) -> dict[str, Any]:
    filters = {name: visit.query[name] for name in ("status",) if name in visit.query}
    wanted = {**filters, "limit": _LISTED, "offset": visit.query.get("offset", 0)}
    found = await visit.call(documents.list_, visit.command(documents.ListDocuments, wanted))
    return {"page": found, "filters": filters, "query": urlencode(filters), "states": list(DocumentStatus)}


async def upload(visit: Visit) -> Response:
    """Take files; those that cannot be read are named, the others are kept."""
    taken: list[str] = []
    refused: dict[str, str] = {}
    limit = visit.ctx.settings.max_upload_bytes
    total = _FILES_AT_ONCE * limit
    async with received_form(visit.request, file_limit=limit, total_limit=total, most_files=_MOST_FILES) as form:
        for file in form.files:
            if not file.filename and not file.size:
                continue  # what a browser sends where nothing was chosen
            try:
                command = visit.command(documents.UploadDocument, await _file(file, limit))
                taken.append((await visit.call(documents.upload, command)).title)
            except InterlockError as error:
                refused[file.filename] = f"{error.message} {error.hint or ''}".strip()
    if refused:
        kept = f" {len(taken)} of the others {'was' if len(taken) == 1 else 'were'} kept." if taken else ""
        told = "; ".join(f"{name}: {problem}" for name, problem in refused.items())
        return await _listed(visit, Problems({"file": told + kept}))
    if not taken:
        return await _listed(visit, Problems({"file": "Choose at least one file."}))
    what = taken[0] if len(taken) == 1 else f"{len(taken)} files"
    return go(visit, "/documents", said=f"{what} taken; the text is being read.")


async def _file(file: UploadedFile, limit: int) -> dict[str, Any]:
    if file.is_too_large:
        raise errors.too_large(limit)
    content = await asyncio.to_thread(file.file.read)
    return {"content": content, "filename": file.filename or None, "mime_type": file.claimed_type[:200] or None}


async def shown(visit: Visit) -> Response:
    """One document with a stretch of its text."""
    return await _detail(visit)


async def _detail(visit: Visit, problems: Problems | None = None) -> Response:
    ref = visit.command(documents.DocumentRef, {}, "document_id")
    found = await visit.call(documents.get, ref)
    return html(
        visit,
        "documents/detail.html",
        status=422 if problems else 200,
        problems=problems or Problems(),
        most_bytes=visit.ctx.settings.max_upload_bytes,
        **await _read(visit, found),
    )


async def state(visit: Visit) -> Response:
    """How far its reading has come, and its text as soon as there is one."""
    found = await visit.call(documents.get, visit.command(documents.DocumentRef, {}, "document_id"))
    return html(visit, "documents/_detail.html", **await _read(visit, found))


async def _read(visit: Visit, found: Document) -> dict[str, Any]:
    question = visit.query.get("q", "")
    wanted = {"first": visit.query.get("first", 0), "limit": _STRETCH}
    text = await visit.call(documents.text, visit.command(documents.ReadDocument, wanted, "document_id"))
    return {
        "document": found,
        "text": text,
        "pieces": marked(text.text, question),
        "q": question,
        "query": urlencode({"q": question, "first": text.first} if question else {"first": text.first}),
        "stretch": _STRETCH,
    }


async def download(visit: Visit) -> Response:
    """The bytes as they were handed in, to be kept and never to be shown as a page of ours."""
    found = await visit.call(documents.content, visit.command(documents.DocumentRef, {}, "document_id"))
    name = quote(found.filename, safe="")
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{name}",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "private, no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(found.content, headers=headers, media_type="application/octet-stream")


async def replace(visit: Visit) -> Response:
    """Take a new version."""
    limit = visit.ctx.settings.max_upload_bytes
    try:
        async with received_form(visit.request, file_limit=limit, total_limit=limit, most_files=1) as form:
            if not form.files or not form.files[0].size:
                raise invalid("Choose a file.", field="file")
            values = await _file(form.files[0], limit)
            command = visit.command(documents.ReplaceDocument, values, "document_id")
            made = await visit.call(documents.replace, command)
    except InterlockError as error:
        return await _detail(visit, problems_of(error))
    return go(visit, f"/documents/{made.id}", said=f"Version {made.version} taken; its text is being read.")


async def retry(visit: Visit) -> Response:
    """Read again what could not be read."""
    made = await visit.call(documents.retry, visit.command(documents.DocumentRef, {}, "document_id"))
    return go(visit, f"/documents/{made.id}", said="Reading it again.")


async def delete(visit: Visit) -> Response:
    """Delete a document with its passages."""
    await visit.call(documents.delete, visit.command(documents.DocumentRef, {}, "document_id"))
    return go(visit, "/documents", said="Deleted.")


ROUTES = (
    page("/documents", listed),
    page("/documents/_list", part),
    action("/documents", upload),
    page("/documents/{document_id}", shown),
    page("/documents/{document_id}/_detail", state),
    page("/documents/{document_id}/file", download),
    action("/documents/{document_id}/replace", replace),
    action("/documents/{document_id}/retry", retry),
    action("/documents/{document_id}/delete", delete),
)
