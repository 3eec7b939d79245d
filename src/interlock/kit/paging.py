"""Lists are declared, planned purely and answered in pages."""

from dataclasses import dataclass, field
from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

ItemT = TypeVar("ItemT")

DEFAULT_LIMIT = 50
MAXIMUM_LIMIT = 200
MAXIMUM_OFFSET = 1_000_000


class PageQuery(BaseModel):
    """What every list accepts: how many, from where, in which order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    limit: Annotated[int, Field(ge=1, le=MAXIMUM_LIMIT, description="How many to return.")] = DEFAULT_LIMIT
    offset: Annotated[int, Field(ge=0, le=MAXIMUM_OFFSET, description="How many to skip.")] = 0


@dataclass(frozen=True, slots=True)
class Page(Generic[ItemT]):
    """One page of a list; `total` is None where counting would be linear in history."""

    items: tuple[ItemT, ...]
    limit: int
    offset: int
    total: int | None = None


@dataclass(frozen=True, slots=True)
class ListSpec:
    """How one resource may be listed: its default order and the columns a caller may filter by."""

    order: str = "id"
    descending: bool = True
    filters: frozenset[str] = field(default_factory=frozenset)
    counted: bool = False
