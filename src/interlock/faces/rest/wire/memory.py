"""Native replies about memories."""

from typing import Any

from pydantic import Field, field_validator, model_validator

from interlock.domains.memory.states import MemoryType, OccasionKind, OwnerKind, RecallPurpose, RecallReason
from interlock.domains.memory.views import FoundMemory, MemoryId
from interlock.faces.rest.wire.base import Timestamp, Wire


class MemoryRow(Wire):
    """A memory in a list."""

    id: MemoryId
    content: str
    type: MemoryType
    tags: tuple[str, ...]
    created_at: Timestamp


class MemoryCreated(MemoryRow):
    """What is remembered now, and whether it was before."""

    duplicate: bool = Field(validation_alias="is_duplicate")


class MemoryDetail(MemoryRow):
    """A memory in full."""

    title: str | None
    owner_kind: OwnerKind
    owner_id: str | None
    importance: int
    confidence: int
    pinned: bool
    archived: bool
    access_count: int
    last_accessed_at: Timestamp | None
    expires_at: Timestamp | None
    updated_at: Timestamp

    @field_validator("owner_id")
    @classmethod
    def _nobody(cls, value: str | None) -> str | None:
        return value or None


class WhyReply(Wire):
    """Why a search found a memory; ranks count from 1 and are null where that half did not find it."""

    reason: RecallReason
    word_rank: int | None
    meaning_rank: int | None
    fused: float
    nearness: float | None
    coverage: float

    @field_validator("fused", "nearness", "coverage")
    @classmethod
    def _short(cls, value: float | None) -> float | None:
        return None if value is None else round(value, 4)


class RecallReply(Wire):
    """One time a memory was found, or put into a prompt."""

    at: Timestamp
    purpose: RecallPurpose
    actor: str
    occasion: OccasionKind | None
    occasion_id: str | None
    question: str
    filters: tuple[tuple[str, ...], ...]
    place: int
    score: float
    why: WhyReply


class MatchReply(Wire):
    """A memory that a search found."""

    id: MemoryId
    content: str
    score: float
    tags: tuple[str, ...]
    why: WhyReply

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, value: Any) -> Any:
        if not isinstance(value, FoundMemory):
            return value
        memory = value.memory
        why = WhyReply.model_validate(value.why, from_attributes=True)
        found = {"id": memory.id, "content": memory.content, "tags": memory.tags}
        return {**found, "score": round(value.score, 4), "why": why}


class MatchesReply(Wire):
    """What a search found, best first."""

    results: tuple[MatchReply, ...]
