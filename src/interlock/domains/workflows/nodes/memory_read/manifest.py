"""Facts of the kind `memory_read`."""

from typing import Annotated

from pydantic import Field

from interlock.domains.memory.states import MemoryType, OwnerKind
from interlock.domains.workflows.manifest import Manifest, NodeConfig
from interlock.domains.workflows.states import Category
from interlock.kit.expressions import TemplateText


class Config(NodeConfig):
    """A question, and which memories may answer it."""

    query: Annotated[TemplateText, Field(min_length=1)] = "{{ text(input) }}"
    top_k: Annotated[int, Field(ge=1, le=100)] = 5
    type: MemoryType | None = None
    tags: Annotated[tuple[TemplateText, ...], Field(max_length=32)] = ()
    owner_kind: OwnerKind | None = None
    owner_id: TemplateText | None = None


MANIFEST = Manifest(
    kind="memory_read",
    title="Recall",
    summary="Finds what is remembered about a question, by meaning and by words.",
    category=Category.DATA,
    config=Config,
    scope="memory",
)
