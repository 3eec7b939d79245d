"""Facts of the kind `knowledge`."""

from typing import Annotated

from pydantic import Field

from interlock.domains.documents.views import DocumentId
from interlock.domains.workflows.manifest import Manifest, NodeConfig, chosen
from interlock.domains.workflows.states import Category
from interlock.kit.expressions import TemplateText


class Config(NodeConfig):
    """A question, and the documents that may answer it; all of them when none is named."""

    query: Annotated[TemplateText, Field(min_length=1, description="What is looked for.")] = "{{ text(input) }}"
    document_ids: Annotated[
        Annotated[tuple[DocumentId, ...], Field(min_length=1, max_length=200)] | None,
        chosen("documents", "Only these; empty is all of them."),
    ] = None
    top_k: Annotated[int, Field(ge=1, le=50, description="How many passages at most.")] = 5


MANIFEST = Manifest(
    kind="knowledge",
    title="Look up in documents",
    summary="Finds the passages of the uploaded documents that answer a question.",
    category=Category.DATA,
    config=Config,
    scope="chatbots",
)
