"""Operations on documents: hand in, read back, search, delete; reading them happens in jobs."""

import asyncio
import hashlib
from collections.abc import Iterable
from pathlib import PurePath
from typing import Annotated

from pydantic import Field

from interlock.domains.documents import errors, kinds
from interlock.domains.documents.jobs import (
    EXTRACT,
    FORGET,
    PASSAGES,
    ExtractDocument,
    ForgetPassages,
    forget_some,
    label,
)
from interlock.domains.documents.repository import Documents, Parts, places
from interlock.domains.documents.states import LIFECYCLE, DocumentStatus
from interlock.domains.documents.views import Document, DocumentFile, DocumentId, DocumentText, Passage, Source
from interlock.domains.llm import service as llm
from interlock.kit.errors import invalid, not_found
from interlock.kit.operations import Command, Effect, operation
from interlock.kit.paging import Page, PageQuery
from interlock.runtime.context import Ctx
from interlock.runtime.search import Query

UNTITLED = "Untitled"
_LONGEST_TITLE = 300
_LONGEST_STRETCH = 50_000
_MOST_PASSAGES = 5
_LEAST_SCORE = 0.2  # unrelated sentences score below 0.1, related ones above 0.29

Title = Annotated[
    str, Field(min_length=1, max_length=_LONGEST_TITLE, pattern=r"\S", description="What people call it.")
]
Filename = Annotated[str, Field(max_length=_LONGEST_TITLE)]
MediaType = Annotated[str, Field(max_length=200, description="A hint; the content decides.")]
Question = Annotated[str, Field(min_length=1, max_length=10_000, pattern=r"\S", description="What to look for.")]


class UploadDocument(Command):
    """A file's bytes, and what its sender says of it; `is_text` where they came as text rather than as a file."""

    content: bytes
    title: Title | None = None
    filename: Filename | None = None
    mime_type: MediaType | None = None
    is_text: bool = False


class ReplaceDocument(UploadDocument):
    """The new bytes of which document; without a title it keeps its own."""

    document_id: DocumentId


class ReadDocument(Command):
    """Which stretch of which document's text."""

    document_id: DocumentId
    first: Annotated[int, Field(ge=0, le=1_000_000_000, description="The first character, from 0.")] = 0
    limit: Annotated[int, Field(ge=1, le=_LONGEST_STRETCH, description="Most characters to return.")] = 20_000


class DocumentRef(Command):
    """Which document."""

    document_id: DocumentId


class ListDocuments(PageQuery):
    """Which documents, and which page of them."""

    status: DocumentStatus | None = None


class FindPassages(Command):
    """A question, and where to look for its answer; without `document_ids` in every document."""

    query: Question
    document_ids: Annotated[tuple[DocumentId, ...], Field(max_length=200)] | None = None
    top_k: Annotated[int, Field(ge=1, le=50, description="Most passages to return.")] = 5


@operation("documents.upload", scope="chatbots", effect=Effect.WRITE)
async def upload(ctx: Ctx, command: UploadDocument) -> Document:
    """Hand in a file; its text is read, cut into passages and made searchable afterwards."""
    mime_type, sha256 = await _admitted(ctx, command)
    document = await Documents(ctx).add(
        DocumentId.new(),
        title=_title(command),
        filename=command.filename or None,
        mime_type=mime_type,
        size_bytes=len(command.content),
        version=1,
        status=DocumentStatus.RECEIVED,
        pages=None,
        chunk_count=0,
        error_code=None,
        error=None,
        created_at=ctx.now,
        updated_at=ctx.now,
    )
    await Parts(ctx, document.id).add_version(document.version, sha256, command.content)
    await ctx.runtime.jobs.enqueue(ctx, EXTRACT, ExtractDocument(document_id=document.id, version=document.version))
    return document


@operation("documents.replace", scope="chatbots", effect=Effect.WRITE)
async def replace(ctx: Ctx, command: ReplaceDocument) -> Document:
    """Hand in a new version of a document; it is found by its former text until the new one has been read."""
    mime_type, sha256 = await _admitted(ctx, command)
    documents = Documents(ctx)
    await documents.hold(command.document_id)
    current = await documents.get(command.document_id)
    LIFECYCLE.check(current.status, DocumentStatus.RECEIVED)
    document = await documents.change(
        current.id,
        {
            "title": current.title if command.title is None else _title(command),
            "filename": command.filename or current.filename,
            "mime_type": mime_type,
            "size_bytes": len(command.content),
            "version": current.version + 1,
            "status": DocumentStatus.RECEIVED,
            "error_code": None,
            "error": None,
            "updated_at": ctx.now,
        },
    )
    await Parts(ctx, document.id).add_version(document.version, sha256, command.content)
    await ctx.runtime.jobs.enqueue(ctx, EXTRACT, ExtractDocument(document_id=document.id, version=document.version))
    return document


async def _admitted(ctx: Ctx, command: UploadDocument) -> tuple[str, str]:
    """The media type and digest of a file that can be read; refuses any other."""
    limit = ctx.settings.max_upload_bytes
    if len(command.content) > limit:
        raise errors.too_large(limit)
    if not command.content.strip():
        raise invalid("The file is empty.", field="file")
    return await asyncio.to_thread(_examine, command)


def _examine(command: UploadDocument) -> tuple[str, str]:
    told = kinds.told(command.content, filename=command.filename, claim=command.mime_type, is_text=command.is_text)
    return told, hashlib.sha256(command.content).hexdigest()


def _title(command: UploadDocument) -> str:
    return (command.title or PurePath(command.filename or "").stem).strip()[:_LONGEST_TITLE] or UNTITLED


@operation("documents.get", scope="chatbots")
async def get(ctx: Ctx, command: DocumentRef) -> Document:
    """Show a document: how far its reading has come, its pages and passages, and why it failed if it did."""
    return await Documents(ctx).get(command.document_id)


@operation("documents.list", scope="chatbots")
async def list_(ctx: Ctx, command: ListDocuments) -> Page[Document]:
    """List the workspace's documents, newest first."""
    return await Documents(ctx).page(command, {"status": command.status})


@operation("documents.content", scope="chatbots")
async def content(ctx: Ctx, command: DocumentRef) -> DocumentFile:
    """Give back a document's bytes as they were handed in."""
    document = await Documents(ctx).get(command.document_id)
    return DocumentFile(
        id=document.id,
        filename=document.filename or document.title,
        mime_type=document.mime_type,
        content=await Parts(ctx, document.id).content(document.version),
    )


@operation("documents.text", scope="chatbots")
async def text(ctx: Ctx, command: ReadDocument) -> DocumentText:
    """Show a stretch of what was read of a document; empty as long as nothing was."""
    document = await Documents(ctx).get(command.document_id)
    stretch, total = await Parts(ctx, document.id).text(document.version, command.first, command.limit)
    return DocumentText(id=document.id, version=document.version, text=stretch, first=command.first, total=total)


@operation("documents.retry", scope="chatbots", effect=Effect.WRITE)
async def retry(ctx: Ctx, command: DocumentRef) -> Document:
    """Read a document again whose reading failed."""
    documents = Documents(ctx)
    document = await documents.get(command.document_id)
    if document.status is not DocumentStatus.FAILED:
        raise errors.not_failed(document.status)
    values = {"status": DocumentStatus.RECEIVED, "error_code": None, "error": None}
    await documents.move(document.id, {DocumentStatus.FAILED}, **values)
    await ctx.runtime.jobs.enqueue(ctx, EXTRACT, ExtractDocument(document_id=document.id, version=document.version))
    return await documents.get(document.id)


@operation("documents.delete", scope="chatbots", effect=Effect.WRITE)
async def delete(ctx: Ctx, command: DocumentRef) -> DocumentId:
    """Delete a document with its text, its passages and its bytes."""
    documents = Documents(ctx)
    await documents.hold(command.document_id)
    await documents.remove(command.document_id)
    if await forget_some(ctx, command.document_id):  # many take a while, in which others may write
        await ctx.runtime.jobs.enqueue(ctx, FORGET, ForgetPassages(document_id=command.document_id))
    await Parts(ctx, command.document_id).drop_versions()
    return command.document_id


@operation("documents.search", scope="chatbots", effect=Effect.EXTERNAL)
async def search(ctx: Ctx, command: FindPassages) -> tuple[Passage, ...]:
    """Find the passages that answer a question, by words and by meaning, best first."""
    if command.document_ids:
        async with ctx.begin(write=False) as unit:
            unknown = await missing(unit, command.document_ids)
        if unknown:
            raise not_found("document", unknown[0])
    return await find(ctx, command)


async def missing(ctx: Ctx, document_ids: tuple[DocumentId, ...]) -> tuple[DocumentId, ...]:
    """Which of these are no documents of the workspace; for whoever keeps references to documents."""
    present = await Documents(ctx).present(document_ids)
    return tuple(key for key in document_ids if key not in present)


async def find(ctx: Ctx, command: FindPassages) -> tuple[Passage, ...]:
    """As `search`, for other domains, called outside any unit of work; documents that are gone are passed over."""
    if command.document_ids is not None and not command.document_ids:
        return ()
    vector = await llm.vector_of(ctx, command.query)
    labels = [] if command.document_ids is None else [{label(key) for key in command.document_ids}]
    async with ctx.begin(write=False) as unit:
        hits = await PASSAGES.search(unit, Query(command.query, vector, top_k=command.top_k, labels=labels))
        found = {row.id: row for row in await places(unit, [hit.number for hit in hits])}
    return tuple(
        Passage(
            document_id=found[hit.number].document_id,
            title=found[hit.number].title,
            text=hit.text,
            score=hit.score,
            locator=found[hit.number].locator,
            first=found[hit.number].first_character,
        )
        for hit in hits
        if hit.number in found
    )


async def relevant(ctx: Ctx, question: str, document_ids: tuple[DocumentId, ...]) -> tuple[Passage, ...]:
    """What these documents say to a question, outside any unit of work; none where nothing is near it."""
    found = await find(ctx, FindPassages(query=question, document_ids=document_ids, top_k=_MOST_PASSAGES))
    return tuple(passage for passage in found if passage.score >= _LEAST_SCORE)


def material(passages: Iterable[Passage]) -> list[dict[str, str]]:
    """Passages as a model is told: without their ids, to be fenced."""
    return [{"title": each.title, "place": each.locator, "text": each.text} for each in passages]


def sources_of(passages: Iterable[Passage]) -> tuple[Source, ...]:
    """Where the passages are from, in words; each place once, and no ids."""
    places_once = dict.fromkeys((passage.title, passage.locator or None) for passage in passages)
    return tuple(Source(title=title, locator=locator) for title, locator in places_once)


async def beginning_of(ctx: Ctx, document: Document, most: int) -> tuple[str, int]:
    """So many characters of what was read of a document, and how many there are, inside a unit of work."""
    return await Parts(ctx, document.id).text(document.version, 0, most)
