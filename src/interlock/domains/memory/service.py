"""Operations on memories: remember, read, change, forget, search; and reminders for prompts."""

import re
import unicodedata
from hashlib import sha256
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, Field

from interlock.domains.llm import service as llm
from interlock.domains.memory import accesses, index, repository
from interlock.domains.memory.errors import owner_incomplete, owner_superfluous, remembered_already
from interlock.domains.memory.forgetting import forget_at
from interlock.domains.memory.index import MEMORIES, PINNED, owner_label, tag_label, type_label
from interlock.domains.memory.reminding import fenced
from interlock.domains.memory.repository import Memories
from interlock.domains.memory.states import MemoryType, OwnerKind, RecallPurpose, RecallReason
from interlock.domains.memory.views import (
    FoundMemories,
    FoundMemory,
    Memory,
    MemoryId,
    MemoryRecall,
    Occasion,
    Remembered,
    Reminders,
    Why,
)
from interlock.kit.errors import invalid
from interlock.kit.operations import Command, Effect, operation
from interlock.kit.paging import Page, PageQuery
from interlock.kit.patch import changes
from interlock.runtime.context import Ctx
from interlock.runtime.search import Hit, Query

DEFAULT_IMPORTANCE = 5
DEFAULT_CONFIDENCE = 700
LONGEST_CONTENT = 20_000
FLOOR = 0.35
"""How near a memory must be to a prompt to be put into it: unrelated sentences stay below 0.2, paraphrases above."""
_REMINDERS_LOOKED_AT = 12


def _storable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("holds a NUL character, which cannot be stored")
    return text


def _distinct(tags: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(tag.strip() for tag in tags))


Words = Annotated[str, Field(pattern=r"\S"), AfterValidator(_storable)]
Content = Annotated[Words, Field(min_length=1, max_length=LONGEST_CONTENT, description="What to remember.")]
Title = Annotated[Words, Field(min_length=1, max_length=200)]
Tag = Annotated[Words, Field(min_length=1, max_length=64)]
Tags = Annotated[tuple[Tag, ...], Field(max_length=32), AfterValidator(_distinct)]
Importance = Annotated[int, Field(ge=0, le=10)]
Confidence = Annotated[int, Field(ge=0, le=1000)]
OwnerRef = Annotated[Words, Field(min_length=1, max_length=80, description="The id of the user, identity or agent.")]
Question = Annotated[Words, Field(min_length=1, max_length=10_000)]


class CreateMemory(Command):
    """What to remember, and whose it is."""

    content: Content
    type: MemoryType = MemoryType.USER
    tags: Tags = ()
    title: Title | None = None
    owner_kind: OwnerKind = OwnerKind.WORKSPACE
    owner_id: OwnerRef | None = None
    importance: Importance = DEFAULT_IMPORTANCE
    confidence: Confidence = DEFAULT_CONFIDENCE
    pinned: bool = False
    expires_at: AwareDatetime | None = None


class UpdateMemory(Command):
    """The fields to change; absent ones stay."""

    memory_id: MemoryId
    content: Content | None = None
    type: MemoryType | None = None
    tags: Tags | None = None
    title: Title | None = None
    importance: Importance | None = None
    confidence: Confidence | None = None
    pinned: bool | None = None
    archived: bool | None = None
    expires_at: AwareDatetime | None = None


class MemoryRef(Command):
    """Which memory."""

    memory_id: MemoryId


class ListRecalls(PageQuery):
    """Of which memory, and which page of them."""

    memory_id: MemoryId


class ListMemories(PageQuery):
    """Which memories, and which page of them; archived and expired ones only when asked for."""

    type: MemoryType | None = None
    tag: Tag | None = None
    owner_kind: OwnerKind | None = None
    owner_id: OwnerRef | None = None
    pinned: bool | None = None
    archived: bool = False


class SearchMemories(Command):
    """A question or some words, and which memories may answer."""

    query: Question
    top_k: Annotated[int, Field(ge=1, le=100)] = 5
    type: MemoryType | None = None
    tags: Tags = ()
    owner_kind: OwnerKind | None = None
    owner_id: OwnerRef | None = None
    pinned: Annotated[bool, Field(description="Only what is pinned.")] = False


class Owner(Command):
    """Whose memories; the workspace's own by default."""

    kind: OwnerKind = OwnerKind.WORKSPACE
    id: OwnerRef | None = None


class Recall(Command):
    """What a prompt is about, and what of which owners may come to mind.

    Args:
        types: what kinds of memories; None for all.
        max_tokens: of the whole text, estimated at four characters each.
        floor: the least score.
        occasion: what the prompt belongs to, for those who ask later why something was recalled.
    """

    text: Annotated[str, Field(max_length=1_000_000)]
    owners: Annotated[tuple[Owner, ...], Field(min_length=1, max_length=20)] = (Owner(),)
    types: Annotated[tuple[MemoryType, ...] | None, Field(min_length=1)] = None
    max_tokens: Annotated[int, Field(ge=1, le=100_000)] = 800
    floor: Annotated[float, Field(ge=0, le=1)] = FLOOR
    occasion: Occasion | None = None


@operation("memory.create", scope="memory", effect=Effect.WRITE)
async def create(ctx: Ctx, command: CreateMemory) -> Remembered:
    """Remember something; content its owner remembers already only gains the new tags."""
    whose = _whose(command.owner_kind, command.owner_id)
    mine = Memories(ctx)
    values: dict[str, Any] = {
        **command.model_dump(exclude={"owner_id", "tags"}),
        "owner_id": whose,
        "tags": list(command.tags),
        "archived": False,
        "access_count": 0,
        "last_accessed_at": None,
        "content_hash": content_hash(command.content),
        "created_at": ctx.now,
        "updated_at": ctx.now,
    }
    key = MemoryId.new()
    draft = Memory.model_validate({**values, "id": key, "number": 0, "forget_at": None})
    memory = await mine.add_unless_known(key, **values, forget_at=forget_at(draft))
    if memory is None:
        known = await mine.same(command.owner_kind, whose, values["content_hash"])
        if known is None:
            raise invalid("This memory could not be stored.", field="content")
        return await _again(ctx, known, command.tags)
    await index.show(ctx, memory)
    return Remembered(**dict(memory), is_duplicate=False)


async def _again(ctx: Ctx, known: Memory, tags: tuple[str, ...]) -> Remembered:
    """The memory that was there, with more tags, and in active use again if it was archived."""
    await (await ctx.session()).lock(f"memory {known.id}")  # two who add tags at once would each lose the other's
    known = await Memories(ctx).get(known.id)
    merged = tuple(dict.fromkeys((*known.tags, *tags)))
    if merged != known.tags or known.archived:
        known = await _store(ctx, known, {"tags": list(merged), "archived": False})
    return Remembered(**dict(known), is_duplicate=True)


@operation("memory.get", scope="memory")
async def get(ctx: Ctx, command: MemoryRef) -> Memory:
    """Show one memory, which counts as an access."""
    memory = await Memories(ctx).get(command.memory_id)
    accesses.note(ctx, [memory.number])
    return memory


@operation("memory.list", scope="memory")
async def list_(ctx: Ctx, command: ListMemories) -> Page[Memory]:
    """List what is remembered, newest first."""
    mine, columns = Memories(ctx), Memories.table.c
    conditions = [columns.workspace_id == ctx.workspace_id]
    conditions += [columns.archived.is_(True)] if command.archived else mine.live()
    for column, value in (
        (columns.type, command.type),
        (columns.owner_kind, command.owner_kind),
        (columns.owner_id, command.owner_id),
        (columns.pinned, command.pinned),
    ):
        if value is not None:
            conditions.append(column == value)
    if command.tag is not None:
        conditions.append(await mine.tagged(command.tag))
    return await mine.page_where(command, conditions)


@operation("memory.recalls", scope="memory")
async def recalls(ctx: Ctx, command: ListRecalls) -> Page[MemoryRecall]:
    """Tell when a memory was found or put into a prompt in the last 30 days, by what question and why."""
    memory = await Memories(ctx).get(command.memory_id)
    return await repository.recalls_of(ctx, memory.number, command)


@operation("memory.update", scope="memory", effect=Effect.WRITE)
async def update(ctx: Ctx, command: UpdateMemory) -> Memory:
    """Change a memory; archiving takes it out of search and prompts, and can be undone."""
    values = changes(command, "memory_id")
    for name, value in values.items():
        if value is None and name not in {"title", "expires_at"}:
            raise invalid(f"'{name}' cannot be null; leave it out to keep it.", field=name)
    mine = Memories(ctx)
    current = await mine.get(command.memory_id)
    if "tags" in values:
        values["tags"] = list(values["tags"])
    if command.content is not None:
        values["content_hash"] = content_hash(command.content)
        same = await mine.same(current.owner_kind, current.owner_id, values["content_hash"])
        if same is not None and same.id != current.id:
            raise remembered_already(same.id)
    return await _store(ctx, current, values)


async def _store(ctx: Ctx, current: Memory, values: dict[str, Any]) -> Memory:
    """Write a change to the row and to what a search finds."""
    draft = Memory.model_validate({**dict(current), **values})
    memory = await Memories(ctx).change(current.id, {**values, "forget_at": forget_at(draft), "updated_at": ctx.now})
    await index.show(ctx, memory)
    return memory


@operation("memory.delete", scope="memory", effect=Effect.WRITE)
async def delete(ctx: Ctx, command: MemoryRef) -> MemoryId:
    """Forget one memory for good, its vector included."""
    memory = await Memories(ctx).get(command.memory_id)
    await Memories(ctx).remove(command.memory_id)
    await index.hide(ctx, [memory.number])
    await repository.drop_recalls(ctx, memory.number)
    accesses.forget(ctx, memory.number)
    return command.memory_id


@operation("memory.search", scope="memory", effect=Effect.EXTERNAL)
async def search(ctx: Ctx, command: SearchMemories) -> FoundMemories:
    """Find the memories closest to a question by meaning and by words, best first, each with why it was found."""
    return await search_for(ctx, command)


async def search_for(ctx: Ctx, command: SearchMemories, occasion: Occasion | None = None) -> FoundMemories:
    """As `search`, told also what it is for."""
    labels = [[tag_label(tag)] for tag in command.tags]
    if command.type is not None:
        labels.append([type_label(command.type)])
    if command.owner_kind is not None or command.owner_id is not None:
        kind = command.owner_kind or OwnerKind.WORKSPACE
        labels.append([owner_label(kind, _whose(kind, command.owner_id))])
    if command.pinned:
        labels.append([PINNED])
    found = [
        (memory, hit.score, _why(hit, RecallReason.BEST))
        for memory, hit in await _find(ctx, command.query, command.top_k, labels)
    ]
    accesses.note_recalls(
        ctx, found, purpose=RecallPurpose.SEARCH, question=command.query, filters=labels, occasion=occasion
    )
    return FoundMemories(
        results=tuple(FoundMemory(memory=memory, score=score, why=why) for memory, score, why in found)
    )


async def reminders(ctx: Ctx, command: Recall) -> Reminders:
    """What of these owners' memories a prompt should know, fenced as data; needs no open unit of work.

    Args:
        ctx: of the workspace whose prompt it is.
        command: what the prompt is about.
    """
    if not command.text.strip():
        return Reminders("", ())
    owners = [owner_label(owner.kind, _whose(owner.kind, owner.id)) for owner in command.owners]
    labels = [owners, *([[type_label(kind) for kind in command.types]] if command.types else [])]
    found = await _find(ctx, command.text, _REMINDERS_LOOKED_AT, labels)
    near = {memory.id: (memory, hit) for memory, hit in found if hit.score >= command.floor or hit.is_named}
    text, used = fenced([memory for memory, _ in near.values()], command.max_tokens)
    recalled = [(memory, hit.score, _why(hit, RecallReason.NEAR)) for memory, hit in (near[each.id] for each in used)]
    accesses.note_recalls(
        ctx, recalled, purpose=RecallPurpose.PROMPT, question=command.text, filters=labels, occasion=command.occasion
    )
    return Reminders(text, tuple(memory.id for memory in used))


def _why(hit: Hit, otherwise: RecallReason) -> Why:
    return Why(
        reason=RecallReason.NAMED if hit.is_named else otherwise,
        word_rank=hit.word_rank,
        meaning_rank=hit.meaning_rank,
        fused=hit.fused,
        nearness=hit.cosine,
        coverage=hit.coverage,
    )


async def _find(ctx: Ctx, text: str, top_k: int, labels: list[list[str]]) -> list[tuple[Memory, Hit]]:
    async with ctx.begin(write=False) as unit:
        if await MEMORIES.is_empty(unit):
            return []
    vector = await llm.vector_of(ctx, text)
    async with ctx.begin(write=False) as unit:
        hits = await MEMORIES.search(unit, Query(text, vector, top_k, labels))
        memories = await Memories(unit).numbered([hit.number for hit in hits]) if hits else {}
    return [(memories[hit.number], hit) for hit in hits if hit.number in memories]


def content_hash(content: str) -> str:
    """What makes two contents the same: neither case, nor spaces, nor spellings of one character."""
    folded = unicodedata.normalize("NFKC", content).casefold()
    return sha256(re.sub(r"\s+", " ", folded).strip().encode("utf-8", "surrogatepass")).hexdigest()


def _whose(kind: OwnerKind, owner_id: str | None) -> str:
    if kind is OwnerKind.WORKSPACE:
        if owner_id is not None:
            raise owner_superfluous()
        return ""
    if owner_id is None:
        raise owner_incomplete(kind)
    return owner_id
