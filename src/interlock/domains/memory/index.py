"""How memories are found: their entries in the shared search, and the labels a search may filter by."""

from collections.abc import Iterable

from interlock.domains.memory.states import MemoryType, OwnerKind
from interlock.domains.memory.views import Memory
from interlock.runtime.context import Ctx
from interlock.runtime.search import Collection, Entry

MEMORIES = Collection("memories")
PINNED = "pinned"
"""What a pinned memory carries."""


def owner_label(kind: OwnerKind, owner_id: str) -> str:
    """Whose it is."""
    return f"owner:{kind}:{owner_id}"


def type_label(kind: MemoryType) -> str:
    """What kind it is."""
    return f"type:{kind}"


def tag_label(tag: str) -> str:
    """What it is about."""
    return f"tag:{tag}"


def text_of(memory: Memory) -> str:
    """What a memory is found by."""
    return "\n".join(part for part in (memory.title, memory.content, " ".join(memory.tags)) if part)


async def show(ctx: Ctx, memory: Memory) -> None:
    """Have a memory found as it now stands, or not at all once it is archived."""
    if memory.archived:
        await MEMORIES.remove(ctx, [memory.number])
        return
    labels = [owner_label(memory.owner_kind, memory.owner_id), type_label(memory.type), *map(tag_label, memory.tags)]
    if memory.pinned:
        labels.append(PINNED)
    until = None if memory.pinned else memory.expires_at
    await MEMORIES.put(ctx, [Entry(memory.number, text_of(memory), labels, until)])


async def hide(ctx: Ctx, numbers: Iterable[int]) -> None:
    """Forget text and vector of what is deleted."""
    await MEMORIES.remove(ctx, numbers)
