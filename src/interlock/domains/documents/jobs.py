"""Reading a document, after the call that brought it: in steps that may be cut off anywhere and begun anew."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from interlock.domains.documents.kinds import KINDS
from interlock.domains.documents.reading.content import UnreadableError
from interlock.domains.documents.reading.process import ReadText, read_file
from interlock.domains.documents.repository import Documents, Parts
from interlock.domains.documents.states import DocumentStatus
from interlock.domains.documents.views import Document, DocumentId
from interlock.runtime.context import Ctx
from interlock.runtime.jobs import Jobs
from interlock.runtime.search import Collection, Entry

EXTRACT, FORGET = "documents.extract", "documents.forget"
PASSAGES = Collection("passages")
BATCH = 100
_UNDER_WAY = frozenset({DocumentStatus.RECEIVED, DocumentStatus.EXTRACTING})
_EXTRACTING = frozenset({DocumentStatus.EXTRACTING})


class ExtractDocument(BaseModel):
    """Which version of which document is to be read."""

    model_config = ConfigDict(frozen=True)

    document_id: DocumentId
    version: Annotated[int, Field(ge=1)]


class ForgetPassages(BaseModel):
    """Whose passages are to go."""

    model_config = ConfigDict(frozen=True)

    document_id: DocumentId


def register(jobs: Jobs) -> None:
    """Wire the reading; called once by the composition root."""
    jobs.register(EXTRACT, ExtractDocument, extract)
    jobs.register(FORGET, ForgetPassages, forget)


def label(document_id: DocumentId) -> str:
    """What the passages of a document carry, so that a search can be kept to them."""
    return f"document:{document_id}"


async def extract(ctx: Ctx, job: ExtractDocument) -> None:
    """Read a document; what it cannot become is said on the document, what the server cannot do is tried again."""
    async with ctx.begin() as unit:
        document = await _under_way(unit, job)
        if document is None:
            return
        await Documents(unit).move(document.id, _UNDER_WAY, status=DocumentStatus.EXTRACTING)
    async with ctx.begin(write=False) as reading:
        content = await Parts(reading, document.id).content(job.version)
    try:
        found = await read_file(ctx, KINDS[document.mime_type], content)
    except UnreadableError as error:
        await _fail(ctx, job, error)
        return
    await _store(ctx, job, found)


async def _fail(ctx: Ctx, job: ExtractDocument, error: UnreadableError) -> None:
    """Say why on the document; what was read of a former version is no longer found."""
    more = True
    while more:
        async with ctx.begin() as unit:
            if await _under_way(unit, job) is None:
                return
            more = await forget_some(unit, job.document_id)
            if not more:
                values = {"status": DocumentStatus.FAILED, "error_code": error.code, "error": error.message[:1000]}
                await Documents(unit).move(job.document_id, _EXTRACTING, **values, pages=None, chunk_count=0)


async def _under_way(unit: Ctx, job: ExtractDocument) -> Document | None:
    """The document, if this reading of it is still wanted."""
    await Documents(unit).hold(job.document_id)
    document = await Documents(unit).find(job.document_id)
    if document is None or document.version != job.version or document.status not in _UNDER_WAY:
        return None
    return document


async def _store(ctx: Ctx, job: ExtractDocument, found: ReadText) -> None:
    """Put the passages in, a batch to a unit of work, so that others may write in between."""
    more = True
    while more:  # what an earlier reading left that was cut off
        async with ctx.begin() as unit:
            if await _under_way(unit, job) is None:
                return
            more = await forget_some(unit, job.document_id)
    for first in range(0, len(found.passages), BATCH):
        async with ctx.begin() as unit:
            if await _under_way(unit, job) is None:
                return
            spans = found.passages[first : first + BATCH]
            numbers = await Parts(unit, job.document_id).add_chunks(first, spans)
            labels = (label(job.document_id),)
            await PASSAGES.put(
                unit,
                [
                    Entry(number, found.text[start:end], labels)
                    for number, (start, end, _) in zip(numbers, spans, strict=True)
                ],
            )
    async with ctx.begin() as unit:
        if await _under_way(unit, job) is None:
            return
        await Parts(unit, job.document_id).set_text(job.version, found.text)
        values = {"status": DocumentStatus.READY, "pages": found.pages, "chunk_count": len(found.passages)}
        await Documents(unit).move(job.document_id, _EXTRACTING, **values)


async def forget_some(unit: Ctx, document_id: DocumentId) -> bool:
    """Take a batch of a document's passages out of the search; tells whether more may be left."""
    numbers = await Parts(unit, document_id).drop_chunks(BATCH)
    if numbers:
        await PASSAGES.remove(unit, numbers)
    return len(numbers) == BATCH


async def forget(ctx: Ctx, job: ForgetPassages) -> None:
    """Take the passages of a deleted document out of the search, a batch to a unit of work."""
    more = True
    while more:
        async with ctx.begin() as unit:
            await Documents(unit).hold(job.document_id)
            more = await forget_some(unit, job.document_id)
