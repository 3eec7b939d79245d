"""Native replies about documents of the knowledge base, and the JSON form of an upload."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from interlock.domains.documents.service import Filename, MediaType, Title
from interlock.domains.documents.states import DocumentStatus
from interlock.domains.documents.views import DocumentId
from interlock.faces.rest.wire.base import Timestamp, Wire


class KnowledgeDocument(Wire):
    """A document: what it is, how far its reading has come, and why it failed if it did."""

    id: DocumentId
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
    created_at: Timestamp
    updated_at: Timestamp


class FileProblem(Wire):
    """Why one file of several was not taken."""

    code: str
    message: str
    hint: str | None


class UploadedFileResult(Wire):
    """What became of one file of several: a document, or a problem."""

    filename: str
    document: KnowledgeDocument | None
    error: FileProblem | None


class UploadedFiles(Wire):
    """What became of several files, in the order they came."""

    results: tuple[UploadedFileResult, ...]


class KnowledgePassage(Wire):
    """A passage that answers a question; `locator` is its page or heading, empty where there is none."""

    document_id: DocumentId
    title: str
    text: str
    score: float
    locator: str
    first: int


class KnowledgeText(Wire):
    """A stretch of what was read of a document: from character `first` on, of `total`."""

    id: DocumentId
    version: int
    text: str
    first: int
    total: int


class UploadBody(BaseModel):
    """A document as JSON: `text`, or a file's bytes as `content_base64`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: Title | None = None
    filename: Filename | None = None
    mime_type: MediaType | None = None
    text: Annotated[str, Field(min_length=1, description="The document itself, where it is text.")] | None = None
    content_base64: Annotated[str, Field(min_length=1, description="The file's bytes, where it is a file.")] | None = (
        None
    )
