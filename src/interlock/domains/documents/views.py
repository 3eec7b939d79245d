"""What other domains and faces see of documents."""

from datetime import datetime
from typing import ClassVar

from pydantic import Field

from interlock.domains.documents.states import DocumentStatus
from interlock.kit.ids import TypedId
from interlock.kit.operations import View


class DocumentId(TypedId):
    """A document of the knowledge base."""

    prefix: ClassVar[str] = "kb"


class VersionId(TypedId):
    """One state of a document's content."""

    prefix: ClassVar[str] = "docv"


class BlobId(TypedId):
    """Bytes that one or more versions hold."""

    prefix: ClassVar[str] = "blob"


class ChunkId(TypedId):
    """A passage of a document's text."""

    prefix: ClassVar[str] = "chunk"


class Document(View):
    """A document: what it is, how far its reading has come, and why it failed if it did."""

    id: DocumentId
    number: int
    title: str
    filename: str | None
    mime_type: str
    size_bytes: int
    version: int
    status: DocumentStatus
    pages: int | None
    chunk_count: int
    error_code: str | None
    error: str | None
    created_at: datetime
    updated_at: datetime


class DocumentFile(View):
    """The bytes of a document as they were handed in."""

    id: DocumentId
    filename: str
    mime_type: str
    content: bytes = Field(repr=False)


class DocumentText(View):
    """A stretch of what was read of a document, and where it stands in the whole.

    Args:
        first: its first character, from 0.
        total: characters of the whole.
    """

    id: DocumentId
    version: int
    text: str
    first: int
    total: int


class Passage(View):
    """A stretch of a document that answers a question; `locator` is its page or heading, empty where there is none.

    Args:
        first: where in the document's text it begins, in characters from 0.
    """

    document_id: DocumentId
    title: str
    text: str
    score: float
    locator: str
    first: int


class Source(View):
    """Where an answer's facts come from, in words for its reader."""

    title: str
    locator: str | None = None
