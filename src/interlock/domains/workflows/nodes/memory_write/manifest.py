"""Facts of the kind `memory_write`."""

from typing import Annotated

from pydantic import Field

from interlock.domains.memory.states import MemoryType, OwnerKind
from interlock.domains.workflows.manifest import Manifest, NodeConfig
from interlock.domains.workflows.states import Category
from interlock.kit.expressions import TemplateText


class Config(NodeConfig):
    """What to remember, and whose it is."""

    content: Annotated[TemplateText, Field(min_length=1)] = "{{ text(input) }}"
    title: TemplateText | None = None
    type: MemoryType = MemoryType.BUSINESS
    tags: Annotated[tuple[TemplateText, ...], Field(max_length=32)] = ()
    owner_kind: OwnerKind = OwnerKind.WORKSPACE
    owner_id: TemplateText | None = None
    pinned: bool = False


MANIFEST = Manifest(
    kind="memory_write",
    title="Remember",
    summary="Keeps something in memory; what is known already is not kept twice.",
    category=Category.DATA,
    config=Config,
    scope="memory",
)
