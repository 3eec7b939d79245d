"""What other domains and faces see of memories."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from interlock.domains.memory.states import MemoryType, OwnerKind
from interlock.kit.ids import TypedId
from interlock.kit.operations import View


class MemoryId(TypedId):
    """Something remembered."""

    prefix: ClassVar[str] = "mem"


class Memory(View):
    """Something remembered, and how it has fared.

    Args:
        owner_id: whose it is; empty where it is the workspace's.
        importance: 0 to 10.
        confidence: 0 to 1000.
        access_count: how often it was read, found or put into a prompt; told with a delay of about a second.
    """

    id: MemoryId
    number: int
    owner_kind: OwnerKind
    owner_id: str
    type: MemoryType
    title: str | None
    content: str
    tags: tuple[str, ...]
    importance: int
    confidence: int
    pinned: bool
    archived: bool
    access_count: int
    last_accessed_at: datetime | None
    expires_at: datetime | None
    forget_at: datetime | None
    created_at: datetime
    updated_at: datetime


class Remembered(Memory):
    """What was to be remembered, as it now stands.

    Args:
        is_duplicate: the owner had remembered the same content before: that memory is returned, with the new tags
            added, and nothing else about it has changed.
    """

    is_duplicate: bool


class FoundMemory(View):
    """A memory that a search found.

    Args:
        score: 0 to 1, higher is closer.
    """

    memory: Memory
    score: float


class FoundMemories(View):
    """The best matches, best first."""

    results: tuple[FoundMemory, ...]


@dataclass(frozen=True, slots=True)
class Reminders:
    """Memories for a prompt: one text, fenced as data; empty when nothing is near enough."""

    text: str
    ids: tuple[MemoryId, ...]
