"""Tables of the documents domain. A document's own row tells of its newest version; the older ones keep their bytes."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, String, Table, Text

from interlock.domains.documents.states import DocumentStatus
from interlock.domains.documents.views import BlobId, ChunkId, DocumentId, VersionId
from interlock.runtime import tables
from interlock.runtime.context import WorkspaceId

_status, _status_check = tables.state("status", DocumentStatus)

documents = Table(
    "documents",
    tables.metadata,
    tables.key(),
    tables.guid(DocumentId),
    tables.reference("workspace_id", WorkspaceId),
    Column("title", String(300), nullable=False),
    Column("filename", String(300)),
    Column("mime_type", String(120), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    _status,
    _status_check,
    Column("pages", Integer),
    Column("chunk_count", Integer, nullable=False),
    Column("error_code", String(60)),
    Column("error", String(1000)),
    tables.moment("created_at"),
    tables.moment("updated_at"),
    Index("ix_documents_workspace_id_id", "workspace_id", "id"),
)

document_versions = Table(
    "document_versions",
    tables.metadata,
    tables.key(),
    tables.guid(VersionId),
    tables.reference("workspace_id", WorkspaceId),
    tables.reference("document_id", DocumentId),
    Column("number", Integer, nullable=False),
    tables.reference("blob_id", BlobId),
    Column("text", Text),
    tables.moment("created_at"),
    Index("uq_document_versions_document_id_number", "document_id", "number", unique=True),
    Index("ix_document_versions_blob_id", "blob_id"),
)

document_blobs = Table(
    "document_blobs",
    tables.metadata,
    tables.key(),
    tables.guid(BlobId),
    tables.reference("workspace_id", WorkspaceId),
    Column("sha256", String(64), nullable=False),
    Column("content", LargeBinary, nullable=False),
    Index("uq_document_blobs_workspace_id_sha256", "workspace_id", "sha256", unique=True),
)

document_chunks = Table(
    "document_chunks",
    tables.metadata,
    tables.key(),
    tables.guid(ChunkId),
    tables.reference("workspace_id", WorkspaceId),
    tables.reference("document_id", DocumentId),
    Column("position", Integer, nullable=False),
    Column("first_character", Integer, nullable=False),
    Column("after_character", Integer, nullable=False),
    Column("locator", String(300), nullable=False),
    Index("uq_document_chunks_document_id_position", "document_id", "position", unique=True),
)
