"""Routes about documents; uploads and downloads are written by hand in `knowledge.py`."""

from interlock.domains.documents import service as documents
from interlock.faces.rest.binding import NativeRoute, route
from interlock.faces.rest.wire.base import Deleted
from interlock.faces.rest.wire.documents import KnowledgeDocument, KnowledgePassage, KnowledgeText

ROUTES: tuple[NativeRoute, ...] = (
    route("GET", "/api/v1/knowledge", documents.list_, list[KnowledgeDocument]),
    route("POST", "/api/v1/knowledge/search", documents.search, list[KnowledgePassage]),
    route("GET", "/api/v1/knowledge/{document_id}", documents.get, KnowledgeDocument),
    route("GET", "/api/v1/knowledge/{document_id}/text", documents.text, KnowledgeText),
    route("DELETE", "/api/v1/knowledge/{document_id}", documents.delete, Deleted),
    route("POST", "/api/v1/knowledge/{document_id}/retry", documents.retry, KnowledgeDocument),
)
