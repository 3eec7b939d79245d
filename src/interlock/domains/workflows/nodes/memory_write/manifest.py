"""Facts of the kind `memory_write`."""

from typing import Annotated

from pydantic import Field

from interlock.domains.memory.states import MemoryType, OwnerKind
from interlock.domains.workflows.manifest import Manifest, NodeConfig, on_lines
from interlock.domains.workflows.states import Category
from interlock.kit.expressions import TemplateText


class Config(NodeConfig):
    """What to remember, and whose it is."""

    content: Annotated[TemplateText, Field(min_length=1), on_lines("What is remembered.")] = "{{ text(input) }}"
    title: Annotated[TemplateText | None, Field(description="A short name for it.")] = None
    type: Annotated[MemoryType, Field(description="What sort of thing it is.")] = MemoryType.BUSINESS
    tags: Annotated[tuple[TemplateText, ...], Field(max_length=32, description="Words to find it by.")] = ()
    owner_kind: Annotated[OwnerKind, Field(description="Whose it is.")] = OwnerKind.WORKSPACE
    owner_id: Annotated[TemplateText | None, Field(description="Which one's, unless the workspace's.")] = None
    pinned: Annotated[bool, Field(description="Whether it never fades.")] = False


MANIFEST = Manifest(
    kind="memory_write",
    title="Remember",
    summary="Keeps something in memory; what is known already is not kept twice.",
    category=Category.DATA,
    config=Config,
    scope="memory",
)
