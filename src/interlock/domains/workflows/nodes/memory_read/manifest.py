"""Facts of the kind `memory_read`."""

from typing import Annotated

from pydantic import Field

from interlock.domains.memory.states import MemoryType, OwnerKind
from interlock.domains.workflows.manifest import Manifest, NodeConfig
from interlock.domains.workflows.states import Category
from interlock.kit.expressions import TemplateText


class Config(NodeConfig):
    """A question, and which memories may answer it."""

    query: Annotated[TemplateText, Field(min_length=1, description="What is asked of memory.")] = "{{ text(input) }}"
    top_k: Annotated[int, Field(ge=1, le=100, description="How many memories at most.")] = 5
    type: Annotated[MemoryType | None, Field(description="Only memories of this type.")] = None
    tags: Annotated[tuple[TemplateText, ...], Field(max_length=32, description="Only those with all of these.")] = ()
    owner_kind: Annotated[OwnerKind | None, Field(description="Only what belongs to one of these.")] = None
    owner_id: Annotated[TemplateText | None, Field(description="Which one it belongs to.")] = None


MANIFEST = Manifest(
    kind="memory_read",
    title="Recall",
    summary="Finds what is remembered about a question, by meaning and by words.",
    category=Category.DATA,
    config=Config,
    scope="memory",
)
