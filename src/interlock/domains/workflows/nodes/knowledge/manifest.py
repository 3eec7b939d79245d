"""Facts of the kind `knowledge`."""

from typing import Annotated

from pydantic import Field

from interlock.domains.documents.views import DocumentId
from interlock.domains.workflows.manifest import Manifest, NodeConfig
from interlock.domains.workflows.states import Category
from interlock.kit.expressions import TemplateText


class Config(NodeConfig):
    """A question, and the documents that may answer it; all of them when none is named."""

    query: Annotated[TemplateText, Field(min_length=1)] = "{{ text(input) }}"
    document_ids: Annotated[tuple[DocumentId, ...], Field(min_length=1, max_length=200)] | None = None
    top_k: Annotated[int, Field(ge=1, le=50)] = 5


MANIFEST = Manifest(
    kind="knowledge",
    title="Look up in documents",
    summary="Finds the passages of the uploaded documents that answer a question.",
    category=Category.DATA,
    config=Config,
    scope="chatbots",
)
