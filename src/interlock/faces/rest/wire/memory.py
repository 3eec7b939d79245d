"""Native replies about memories."""

from typing import Any

from pydantic import Field, field_validator, model_validator

from interlock.domains.memory.states import MemoryType, OwnerKind
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


class MatchReply(Wire):
    """A memory that a search found."""

    id: MemoryId
    content: str
    score: float
    tags: tuple[str, ...]

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, value: Any) -> Any:
        if not isinstance(value, FoundMemory):
            return value
        memory = value.memory
        return {"id": memory.id, "content": memory.content, "tags": memory.tags, "score": round(value.score, 4)}


class MatchesReply(Wire):
    """What a search found, best first."""

    results: tuple[MatchReply, ...]
