"""What a conversation gives a run to go by: attached documents in full, and what its knowledge says to the task."""

import asyncio
from datetime import timedelta
from typing import Any

from pydantic import BaseModel

from interlock.domains.documents import service as documents
from interlock.domains.documents.states import DocumentStatus
from interlock.domains.documents.views import Document, DocumentId, Source
from interlock.domains.runs.order import Talk
from interlock.kit.errors import InterlockError, Kind, invalid
from interlock.runtime.context import Ctx
from interlock.runtime.database import is_database_trouble
from interlock.runtime.durable import Json

_ASK_SECONDS = 0.2
_PATIENCE = timedelta(seconds=60)
_LONGEST_QUESTION = 10_000


class Material(BaseModel):
    """Text from outside for a model, to be fenced; or why it could not be had."""

    files: list[dict[str, Any]] = []
    passages: list[dict[str, str]] = []
    sources: list[Source] = []
    error: str | None = None

    def as_input(self) -> dict[str, Any]:
        """What is added to the input of a run."""
        found = {"attached_files": self.files, "from_documents": self.passages}
        return {name: value for name, value in found.items() if value}


async def gathered(talk: Talk, task: str, ctx: Ctx) -> Json:
    """Read the attachments, once they can be read, and search the knowledge; a Material for the journal."""
    try:
        files = await _attached(ctx, talk)
        passages = await documents.relevant(ctx, task[:_LONGEST_QUESTION], talk.knowledge) if task.strip() else ()
    except InterlockError as error:
        if is_database_trouble(error):
            raise  # it passes, and the run with it: the flow enters again
        return Material(error=error.message).model_dump(mode="json")
    found = Material(files=files, passages=documents.material(passages), sources=list(documents.sources_of(passages)))
    return found.model_dump(mode="json")


async def _attached(ctx: Ctx, talk: Talk) -> list[dict[str, Any]]:
    left = talk.most_attached
    files = []
    for document_id in talk.attachments:
        document = await _read(ctx, document_id)
        async with ctx.begin(write=False) as unit:
            text, total = await documents.beginning_of(unit, document, left)
        file: dict[str, Any] = {"title": document.title, "text": text}
        if total > len(text):
            file["cut"] = f"Only the first {len(text)} of {total} characters are here."
        left -= len(text)
        files.append(file)
    return files


async def _read(ctx: Ctx, document_id: DocumentId) -> Document:
    """The document once its text was read: an upload is read after the call that brought it."""
    document = await _found(ctx, document_id)
    deadline = ctx.now + _PATIENCE
    while document.status is not DocumentStatus.READY:
        if document.status is DocumentStatus.FAILED:
            raise invalid(f"'{document.title}' could not be read: {document.error}", field="attachments")
        if ctx.now > deadline:
            raise InterlockError(
                Kind.UNAVAILABLE, f"'{document.title}' is still being read.", hint="Send the message again in a while."
            )
        await asyncio.sleep(_ASK_SECONDS)
        document = await _found(ctx, document_id)
    return document


async def _found(ctx: Ctx, document_id: DocumentId) -> Document:
    async with ctx.begin(write=False) as unit:
        return await documents.get(unit, documents.DocumentRef(document_id=document_id))
