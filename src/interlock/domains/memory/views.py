"""What other domains and faces see of memories."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from interlock.domains.memory.states import MemoryType, OccasionKind, OwnerKind, RecallPurpose, RecallReason
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


class Why(View):
    """Why a search found a memory.

    Args:
        reason: what let it pass.
        word_rank: its place among the matches of words, from 1; None where words did not find it.
        meaning_rank: its place among the nearest in meaning; None where meaning did not find it.
        fused: the sum of 1 / (60 + rank) of both, by which results are ordered.
        nearness: of the meanings, -1 to 1; None where they were not compared.
        coverage: share of the question's telling words that occur in it, 0 to 1.
    """

    reason: RecallReason
    word_rank: int | None
    meaning_rank: int | None
    fused: float
    nearness: float | None
    coverage: float


class FoundMemory(View):
    """A memory that a search found.

    Args:
        score: 0 to 1, higher is closer.
        why: what the score and the place came of.
    """

    memory: Memory
    score: float
    why: Why


class Occasion(View):
    """What a prompt belongs to: which run, chatbot or conversation."""

    kind: OccasionKind
    id: str


class MemoryRecall(View):
    """One time a memory was found, or put into a prompt.

    Args:
        actor: who asked, in words.
        occasion: what the prompt belonged to, `occasion_id` which one; None for a search.
        question: the beginning of what was asked.
        filters: the labels it had to carry: of each group at least one.
        place: among what was found or used together, from 1.
    """

    number: int
    at: datetime
    purpose: RecallPurpose
    actor: str
    occasion: OccasionKind | None
    occasion_id: str | None
    question: str
    filters: tuple[tuple[str, ...], ...]
    place: int
    score: float
    why: Why


class FoundMemories(View):
    """The best matches, best first."""

    results: tuple[FoundMemory, ...]


@dataclass(frozen=True, slots=True)
class Reminders:
    """Memories for a prompt: one text, fenced as data; empty when nothing is near enough."""

    text: str
    ids: tuple[MemoryId, ...]
