"""Memory: entries accepted and embedded per second, searches at 10,000 and 100,000, recall on the labelled set."""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import uvloop
from sqlalchemy import insert, select

from benchmarks.figures import Figure, median, percentile
from benchmarks.processes import scratch
from interlock import main
from interlock.domains.accounts.service.identify import identify
from interlock.domains.llm import service as llm
from interlock.domains.memory import service as memory
from interlock.domains.memory.index import MEMORIES
from interlock.domains.memory.models import memories
from interlock.domains.memory.service import CreateMemory, SearchMemories
from interlock.domains.memory.views import MemoryId
from interlock.runtime.context import Ctx
from interlock.runtime.invoke import invoke
from interlock.runtime.search import DIMENSIONS, Collection, Entry, Query, embedding, sqlite
from interlock.runtime.search.schema import search_entries
from interlock.runtime.search.words import scope_token
from interlock.runtime.settings import Settings

ROW = "memory"
LABELLED = Path(__file__).parents[1] / "data" / "memory_recall.json"
_SMALL, _LARGE = 10_000, 100_000
_TOP = 5
_ASKED = 200
_EMBEDDED = 400
_NOTE = "Memory in process, through the doorway with its audit row. Searches at 100,000 use made-up vectors."
_STEMS = (
    "customer", "invoice", "order", "contract", "warehouse", "refund", "shipment", "ticket", "supplier", "office",
    "meeting", "budget", "laptop", "printer",
)  # fmt: skip


@dataclass(frozen=True)
class _Samples:
    accepted: float
    embedded: float
    bare_embedder: float
    asked: list[float]
    asked_large: list[float]
    scan: float
    agreement: float
    recall: tuple[float, float, float]


def run(seconds: float, repetitions: int) -> list[Figure]:
    """One pass: the collections are large, and every search is a sample of its own."""
    del repetitions
    with scratch() as folder:
        found = uvloop.run(_measure(folder, seconds))
    words, meaning, both = found.recall
    asked, large = sorted(found.asked), sorted(found.asked_large)
    return [
        Figure(ROW, "adds accepted", found.accepted, "/s", 1_000, note=_NOTE),
        Figure(ROW, "adds with embeddings", found.embedded, "/s", 200, True, "embedder alone", found.bare_embedder),
        Figure(ROW, "search p50, 10,000 entries", median(asked), "ms", 5, False),
        Figure(ROW, "search p99, 10,000 entries", percentile(asked, 0.99), "ms", 20, False),
        Figure(
            ROW, "search p50, 100,000 entries", median(large), "ms", 15, False, "numpy over the vectors", found.scan
        ),
        Figure(ROW, f"recall at {_TOP}, both halves", both, "", meaning, True, "words alone", words, 1.0),
        Figure(ROW, "agreement with comparing all, 10,000", found.agreement, "%", 100),
    ]  # fmt: skip


async def _measure(folder: Path, seconds: float) -> _Samples:
    settings = Settings(data_dir=folder / "data", database_url=None)
    async with main.running(settings) as runtime:
        key = await main.first_key(runtime)
        if key is None:
            raise RuntimeError("the data directory was not fresh")
        ctx = await identify(runtime, key, request_id="bench", face="bench")
        await llm.vectors_of(ctx, ["load the model"])
        recall = await _recall(ctx)
        await runtime.jobs.stop()  # adds are measured first, embedding by itself then
        accepted = await _accepted(ctx, seconds)
        embedded, bare = await _embedded(ctx)
        await _fill(ctx, _SMALL)
        asked = await _ask(ctx)
        agreement = await _agreement(ctx)
        await _fill(ctx, _LARGE)
        large = await _ask(ctx)
        scan = await _scan(ctx)
        return _Samples(accepted, embedded, bare, asked, large, scan, agreement, recall)


def _facts() -> Iterator[str]:
    number = 0
    while True:
        number += 1
        chosen = [_STEMS[(number * step) % len(_STEMS)] for step in (1, 3, 5)]
        yield f"The {chosen[0]} {number} concerns the {chosen[1]} of {chosen[2]} NW-{number:06d}."


_FACTS = _facts()
_RANDOM = np.random.default_rng(7)


async def _accepted(ctx: Ctx, seconds: float) -> float:
    done, began = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - began) < seconds:
        await invoke(ctx, memory.create, CreateMemory(content=next(_FACTS), tags=("bench",)))
        done += 1
    return done / elapsed


async def _embedded(ctx: Ctx) -> tuple[float, float]:
    """Adds, and the job that embeds them, until everything has its vector; the model alone on as many texts beside."""
    await embedding.fill(ctx, MEMORIES.name, _made_up)  # what the row before has left
    began = time.perf_counter()
    for _ in range(_EMBEDDED):
        await invoke(ctx, memory.create, CreateMemory(content=next(_FACTS), tags=("bench",)))
    await embedding.fill(ctx, MEMORIES.name, llm.vectors_of)
    rate = _EMBEDDED / (time.perf_counter() - began)
    texts = [next(_FACTS) for _ in range(_EMBEDDED)]
    began = time.perf_counter()
    for first in range(0, _EMBEDDED, embedding.BATCH):
        await llm.vectors_of(ctx, texts[first : first + embedding.BATCH])
    return rate, _EMBEDDED / (time.perf_counter() - began)


async def _made_up(_: Ctx, texts: Sequence[str]) -> npt.NDArray[np.float32]:
    vectors = _RANDOM.normal(size=(len(texts), DIMENSIONS)).astype(np.float32)
    unit: npt.NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


async def _fill(ctx: Ctx, size: int) -> None:
    """Bring the collection to a size, straight into the tables: the way in has been measured."""
    async with ctx.begin(write=False) as unit:
        rows = (await (await unit.session()).execute(select(memories.c.id))).all()
    missing = size - len(rows)
    for first in range(0, missing, 5_000):
        texts = [next(_FACTS) for _ in range(min(5_000, missing - first))]
        async with ctx.begin() as unit:
            session = await unit.session()
            values = [_row(ctx, text) for text in texts]
            await session.execute(insert(memories), values)
            hashes = [value["content_hash"] for value in values]
            newest = select(memories.c.id, memories.c.content).order_by(memories.c.id.desc()).limit(len(hashes))
            added = (await session.execute(newest)).all()
            await MEMORIES.put(unit, [Entry(row.id, row.content, ("owner:workspace:", "type:user")) for row in added])
    await embedding.fill(ctx, MEMORIES.name, _made_up)


def _row(ctx: Ctx, text: str) -> dict[str, Any]:
    draft = CreateMemory(content=text)
    return {
        **draft.model_dump(exclude={"owner_id", "tags"}), "owner_id": "", "tags": [], "archived": False,
        "access_count": 0, "last_accessed_at": None, "forget_at": None, "workspace_id": ctx.workspace_id,
        "guid": MemoryId.new(), "content_hash": memory.content_hash(text), "created_at": ctx.now,
        "updated_at": ctx.now,
    }  # fmt: skip


async def _ask(ctx: Ctx) -> list[float]:
    """Milliseconds of each search, the question's vector included; every question is a new one."""
    questions = [f"What about the {_STEMS[place % 14]} of the {_STEMS[place % 5]} {place}?" for place in range(_ASKED)]
    await invoke(ctx, memory.search, SearchMemories(query="load what is kept in memory"))
    taken = []
    for question in questions:
        began = time.perf_counter()
        await invoke(ctx, memory.search, SearchMemories(query=question))
        taken.append((time.perf_counter() - began) * 1000)
    return taken


async def _vectors(ctx: Ctx) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    wanted = select(search_entries.c.number, search_entries.c.vector).where(
        search_entries.c.vector.is_not(None), search_entries.c.collection == MEMORIES.name
    )
    async with ctx.begin(write=False) as unit:
        rows = (await (await unit.session()).execute_long(wanted)).all()
    return np.array([row.number for row in rows]), np.stack([row.vector for row in rows])


async def _agreement(ctx: Ctx) -> float:
    """Percent of the ten nearest that comparing every vector finds as well."""
    numbers, vectors = await _vectors(ctx)
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    questions = await _made_up(ctx, [""] * 100)
    scope = scope_token(MEMORIES.name, ctx.workspace_id)
    same = 0
    for question in questions:
        async with ctx.begin(write=False) as unit:
            found = await sqlite.find(unit, MEMORIES.name, Query("", question, 10), scope, [])
        same += len({*found.by_meaning[:10]} & {*numbers[np.argsort(-(vectors @ question))[:10]].tolist()})
    return same / 10


async def _scan(ctx: Ctx) -> float:
    """Milliseconds of one product of all vectors with a question's: nothing exact is cheaper."""
    _, vectors = await _vectors(ctx)
    taken = []
    for question in await _made_up(ctx, [""] * 20):
        began = time.perf_counter()
        np.argpartition(-(vectors @ question), 50)
        taken.append((time.perf_counter() - began) * 1000)
    return median(taken)


async def _recall(ctx: Ctx) -> tuple[float, float, float]:
    """Share of labelled questions whose answer is among the first five: by words, by meaning, by both."""
    labelled = json.loads(LABELLED.read_text())
    facts = Collection("labelled")
    facts.register(ctx.runtime.jobs, llm.vectors_of)
    async with ctx.begin() as unit:
        await facts.put(unit, [Entry(number, text) for number, text in enumerate(labelled["facts"])])
    await embedding.fill(ctx, facts.name, llm.vectors_of)
    scope, right = scope_token(facts.name, ctx.workspace_id), [0, 0, 0]
    for question in labelled["questions"]:
        query = Query(question["question"], await llm.vector_of(ctx, question["question"]), _TOP)
        async with ctx.begin(write=False) as unit:
            halves = await sqlite.find(unit, facts.name, query, scope, [])
            both = [hit.number for hit in await facts.search(unit, query)]
        for place, found in enumerate((list(halves.by_words), halves.by_meaning, both)):
            right[place] += not {*question["answers"]}.isdisjoint(found[:_TOP])
    words, meaning, fused = (count / len(labelled["questions"]) for count in right)
    return words, meaning, fused
