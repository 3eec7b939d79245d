"""What is remembered is found at once, only by its workspace, only once, and only as long as it should be."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from interlock.domains.llm.embedded.embedder import EmbeddedEmbedder
from interlock.domains.memory import accesses, jobs, repository
from interlock.domains.memory import service as memory
from interlock.domains.memory.forgetting import FADES_AFTER
from interlock.domains.memory.index import MEMORIES
from interlock.domains.memory.models import memories, memory_recalls
from interlock.domains.memory.service import (
    CreateMemory,
    ListMemories,
    ListRecalls,
    MemoryRef,
    Owner,
    Recall,
    SearchMemories,
    UpdateMemory,
)
from interlock.domains.memory.states import MemoryType, OccasionKind, OwnerKind, RecallPurpose, RecallReason
from interlock.domains.memory.views import Memory, MemoryId, Occasion, Remembered
from interlock.kit.errors import InterlockError, Kind
from interlock.runtime.context import NO_WORKSPACE, Ctx
from interlock.runtime.invoke import invoke
from interlock.runtime.jobs import job_rows
from interlock.runtime.search.schema import search_entries
from tests.support.app import Server

RENEWAL = "Acme extended its agreement with us by another twelve months."


@pytest.fixture(autouse=True)
def _words_only(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The model takes seconds to load: only tests that say so use it."""
    if "slow_model" in request.keywords:
        return

    async def none(*_: object) -> None:
        return None

    monkeypatch.setattr("interlock.domains.llm.service.vector_of", none)
    monkeypatch.setattr(EmbeddedEmbedder, "aembed", _never)


@pytest.fixture(autouse=True)
def _counted_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine, no count is written between two lines of a test."""
    monkeypatch.setattr(accesses, "_EVERY_SECONDS", 3600.0)


async def _never(*_: object) -> None:
    raise RuntimeError("no model in this test")


async def remember(ctx: Ctx, content: str, **more: object) -> Remembered:
    return await invoke(ctx, memory.create, CreateMemory.model_validate({"content": content, **more}))


async def search(ctx: Ctx, query: str, **more: object) -> list[str]:
    found = await invoke(ctx, memory.search, SearchMemories.model_validate({"query": query, **more}))
    return [each.memory.content for each in found.results]


async def change(ctx: Ctx, key: MemoryId, **values: object) -> Memory:
    return await invoke(ctx, memory.update, UpdateMemory.model_validate({"memory_id": key, **values}))


async def look(ctx: Ctx, key: MemoryId) -> Memory:
    return await invoke(ctx, memory.get, MemoryRef(memory_id=key))


async def settled(server: Server) -> None:
    """Wait until no job is due that has not been tried."""
    ctx = await server.ctx()
    async with asyncio.timeout(30):
        while True:
            async with ctx.begin(write=False) as unit:
                fresh = select(job_rows.c.id).where(
                    job_rows.c.attempts == 0, job_rows.c.handler == "search.embed_memories"
                )
                if (await (await unit.session()).execute(fresh)).first() is None:
                    return
            await asyncio.sleep(0.02)


@pytest.mark.slow_model
async def test_a_question_about_contract_status_finds_the_renewal(server: Server) -> None:
    ctx = await server.ctx()
    for other in (
        "The office closes at six.",
        "Berlin ships on Tuesdays.",
        "Invoices go to accounting.",
        "Ann likes tea.",
    ):
        await remember(ctx, other)
    await remember(ctx, RENEWAL, type="business", tags=["acme"])
    await settled(server)
    found = await invoke(ctx, memory.search, SearchMemories(query="What is the status of the Acme contract?", top_k=2))
    assert found.results[0].memory.content == RENEWAL
    assert 0.3 < found.results[0].score <= 1
    assert await search(ctx, "Did the customer prolong the contract?", top_k=1) == [RENEWAL]
    told = await memory.reminders(ctx, Recall(text="Write to Acme about the state of their contract."))
    assert RENEWAL in told.text
    assert told.ids[0] == found.results[0].memory.id


async def test_it_is_found_by_its_words_at_once_though_the_model_is_gone(server: Server) -> None:
    ctx = await server.ctx()
    made = await remember(ctx, RENEWAL, title="Renewal of Acme", tags=["contracts"])
    assert not made.is_duplicate
    for question in ("agreement", "renewals", "contract", "extending?"):
        assert await search(ctx, question) == [RENEWAL]
    assert await search(ctx, "zebra") == []


async def test_filters_come_before_the_ranking(server: Server) -> None:
    ctx = await server.ctx()
    agent = {"owner_kind": "agent", "owner_id": "agent_1"}
    await remember(ctx, "Blue is the colour of the desk", type="business", tags=["desk"])
    await remember(ctx, "Blue is the colour of the sea", **agent)
    for number in range(60):
        await remember(ctx, f"Blue is number {number}")
    assert await search(ctx, "blue colour", type="business") == ["Blue is the colour of the desk"]
    assert await search(ctx, "blue", tags=["desk"]) == ["Blue is the colour of the desk"]
    assert await search(ctx, "blue", **agent) == ["Blue is the colour of the sea"]
    assert await search(ctx, "blue", tags=["desk"], **agent) == []


async def test_the_same_content_is_remembered_once_and_gains_tags(server: Server) -> None:
    ctx = await server.ctx()
    first = await remember(ctx, "Acme pays late.", tags=["acme"], importance=9)
    again = await remember(ctx, "  ACME  pays\nlate.", tags=["money", "acme"])
    assert (again.id, again.is_duplicate, again.tags, again.importance) == (first.id, True, ("acme", "money"), 9)
    assert await search(ctx, "money") == ["Acme pays late."]
    other = await remember(ctx, "Acme pays late.", owner_kind="agent", owner_id="agent_1")
    assert not other.is_duplicate
    await change(ctx, first.id, archived=True)
    assert await search(ctx, "pays", owner_kind="workspace") == []
    assert not (await remember(ctx, "Acme pays late.")).archived
    assert await search(ctx, "pays", owner_kind="workspace") == ["Acme pays late."]


async def test_simultaneous_duplicates_become_one(server: Server) -> None:
    ctx = await server.ctx()
    made = await asyncio.gather(*(remember(ctx, RENEWAL, tags=[f"t{number}"]) for number in range(6)))
    assert len({each.id for each in made}) == 1
    assert sum(not each.is_duplicate for each in made) == 1
    assert set((await look(ctx, made[0].id)).tags) == {f"t{number}" for number in range(6)}


async def test_another_workspace_finds_and_reaches_nothing(server: Server) -> None:
    mine, theirs = await server.ctx(), await server.ctx(await server.another_workspace())
    made = await remember(mine, RENEWAL)
    assert await search(theirs, "agreement") == []
    assert (await invoke(theirs, memory.list_, ListMemories())).items == ()
    for attempt in (
        invoke(theirs, memory.get, MemoryRef(memory_id=made.id)),
        invoke(theirs, memory.delete, MemoryRef(memory_id=made.id)),
        change(theirs, made.id, title="mine now"),
    ):
        with pytest.raises(InterlockError) as caught:
            await attempt
        assert caught.value.kind is Kind.NOT_FOUND
    assert not (await remember(theirs, RENEWAL)).is_duplicate


async def test_deleting_forgets_text_and_vector(server: Server) -> None:
    ctx = await server.ctx()
    made = await remember(ctx, RENEWAL)
    await invoke(ctx, memory.delete, MemoryRef(memory_id=made.id))
    assert await search(ctx, "agreement") == []
    async with ctx.begin(write=False) as unit:
        rows = (await (await unit.session()).execute(select(search_entries.c.text, search_entries.c.vector))).all()
    assert [tuple(row) for row in rows] in ([], [("", None)])


async def test_a_change_is_found_and_the_old_words_are_not(server: Server) -> None:
    ctx = await server.ctx()
    made = await remember(ctx, RENEWAL)
    other = await remember(ctx, "Something else")
    changed = await change(ctx, made.id, content="They cancelled.", title="Bad news", tags=["lost"], importance=2)
    assert (changed.content, changed.title, changed.tags, changed.importance) == (
        "They cancelled.", "Bad news", ("lost",), 2,
    )  # fmt: skip
    assert await search(ctx, "agreement") == []
    assert await search(ctx, "cancel") == ["They cancelled."]
    with pytest.raises(InterlockError) as caught:
        await change(ctx, other.id, content="they cancelled.")
    assert (caught.value.code, caught.value.data["id"]) == ("memory_exists", str(made.id))
    with pytest.raises(InterlockError) as caught:
        await change(ctx, made.id, tags=None)
    assert caught.value.data["field"] == "tags"
    assert (await change(ctx, made.id, title=None)).title is None


async def test_lists_filter_and_leave_out_what_is_not_in_use(server: Server) -> None:
    ctx = await server.ctx()
    soon = ctx.now + timedelta(days=1)
    await remember(ctx, "one", type="business", tags=["a", 'quote"d'])
    await remember(ctx, "two", tags=["ab"], expires_at=soon)
    three = await remember(ctx, "three", owner_kind="user", owner_id="user_1")
    await change(ctx, three.id, archived=True)

    async def listed(**filters: object) -> list[str]:
        page = await invoke(ctx, memory.list_, ListMemories.model_validate(filters))
        return [each.content for each in page.items]

    assert await listed() == ["two", "one"]
    assert await listed(type="business") == ["one"]
    assert await listed(tag="a") == ["one"]
    assert await listed(tag='quote"d') == ["one"]
    assert await listed(archived=True) == ["three"]
    assert await listed(archived=True, owner_kind="user", owner_id="user_1") == ["three"]
    assert await listed(owner_kind="user") == []


async def test_forgetting_archives_what_expired_or_faded_and_never_what_is_pinned(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "FORGOTTEN_AT_ONCE", 2)
    ctx = await server.ctx()
    past, long_ago = ctx.now - timedelta(days=2), ctx.now - FADES_AFTER - timedelta(days=1)
    gone = [
        await remember(ctx, "fact: expired", expires_at=past),
        await remember(ctx, "fact: faded", importance=3),
    ]
    kept = [
        await remember(ctx, "fact: pinned and expired", expires_at=past, pinned=True),
        await remember(ctx, "fact: pinned and faded", importance=0, pinned=True),
        await remember(ctx, "fact: matters", importance=4),
        await remember(ctx, "fact: who I am", importance=0, type="identity"),
        await remember(ctx, "fact: used lately", importance=1),
        await remember(ctx, "fact: expires tomorrow", expires_at=ctx.now + timedelta(days=1)),
    ]
    async with ctx.begin() as unit:
        session = await unit.session()
        await session.execute(update(memories).where(memories.c.expires_at.is_(None)).values(created_at=long_ago))
        due = update(memories).where(memories.c.importance <= 3, memories.c.pinned.is_(False)).values(forget_at=past)
        await session.execute(due)
        await session.execute(update(memories).where(memories.c.guid == kept[4].id).values(last_accessed_at=past))
    before = await search(ctx, "fact", top_k=20)
    assert "fact: expired" not in before
    assert len(before) == 7
    await jobs.forget(replace(ctx, workspace_id=NO_WORKSPACE))
    assert sorted(await search(ctx, "fact", top_k=20)) == sorted(each.content for each in kept)
    assert [(await look(ctx, each.id)).archived for each in gone] == [True, True]
    assert (await look(ctx, kept[4].id)).forget_at == past + FADES_AFTER


async def test_reading_and_finding_is_counted_off_the_request_path(server: Server) -> None:
    ctx = await server.ctx()
    made = await remember(ctx, RENEWAL)
    await search(ctx, "agreement")
    assert (await look(ctx, made.id)).access_count == 0
    await accesses.write(server.runtime)
    counted = await look(ctx, made.id)
    assert counted.access_count == 2
    assert counted.last_accessed_at is not None


async def test_every_recall_is_kept_with_its_reasons_for_a_month_and_goes_with_the_memory(server: Server) -> None:
    ctx = await server.ctx()
    made = await remember(ctx, f"{RENEWAL} Contract NW-10482.", type="business", pinned=True)
    other = await remember(ctx, "The agreement with Globex ends.")
    found = await invoke(ctx, memory.search, SearchMemories(query="agreement twelve months", type=MemoryType.BUSINESS))
    (match,) = found.results
    assert (match.why.reason, match.why.word_rank, match.why.meaning_rank) == (RecallReason.BEST, 1, None)
    assert match.why.fused == pytest.approx(1 / 61)
    assert (match.why.nearness, match.why.coverage) == (None, 1.0)
    occasion = Occasion(kind=OccasionKind.RUN, id="run_1")
    wanted = Recall(text="What about NW-10482?" + "x" * 400, occasion=occasion)
    assert (await memory.reminders(ctx, wanted)).ids == (made.id,)
    await accesses.write(server.runtime)
    prompt, search_ = (await invoke(ctx, memory.recalls, ListRecalls(memory_id=made.id))).items
    assert (prompt.purpose, prompt.why.reason, prompt.place) == (RecallPurpose.PROMPT, RecallReason.NAMED, 1)
    assert (prompt.occasion, prompt.occasion_id, len(prompt.question)) == (OccasionKind.RUN, "run_1", 300)
    assert (search_.purpose, search_.occasion, search_.question) == (
        RecallPurpose.SEARCH, None, "agreement twelve months",
    )  # fmt: skip
    assert (search_.filters, search_.why) == ((("type:business",),), match.why)
    assert search_.actor.startswith("key:")
    reply = (await server.get(f"/api/v1/memory/{made.id}/recalls", limit=1)).json()
    assert [(each["question"][:17], each["why"]["reason"]) for each in reply] == [("What about NW-104", "named")]
    assert not (await invoke(ctx, memory.recalls, ListRecalls(memory_id=other.id))).items

    async with ctx.begin() as unit:
        stale = update(memory_recalls).where(memory_recalls.c.id == search_.number)
        await (await unit.session()).execute(stale.values(at=ctx.now - jobs.RECALLS_KEPT - timedelta(hours=1)))
    await jobs.forget(replace(ctx, workspace_id=NO_WORKSPACE))
    assert [each.number for each in (await invoke(ctx, memory.recalls, ListRecalls(memory_id=made.id))).items] == [
        prompt.number
    ]
    await search(ctx, "agreement")
    await invoke(ctx, memory.delete, MemoryRef(memory_id=made.id))
    await accesses.write(server.runtime)
    async with ctx.begin(write=False) as unit:
        left = (await (await unit.session()).execute(select(memory_recalls.c.memory))).scalars().all()
    assert left == [other.number]


async def test_pinned_is_a_filter_of_lists_and_searches(server: Server) -> None:
    ctx = await server.ctx()
    await remember(ctx, "An agreement that fades.")
    pinned = await remember(ctx, "An agreement that stays.", pinned=True)
    assert await search(ctx, "agreement", pinned=True) == [pinned.content]
    for asked, expected in ((True, 1), (False, 1), (None, 2)):
        assert len((await invoke(ctx, memory.list_, ListMemories(pinned=asked))).items) == expected
    await change(ctx, pinned.id, pinned=False)
    assert await search(ctx, "agreement", pinned=True) == []


async def test_searching_writes_no_audit_row_and_creating_one(server: Server) -> None:
    ctx = await server.ctx()
    await remember(ctx, RENEWAL)
    await search(ctx, "agreement")
    rows = (await server.get("/api/v1/activity")).json()
    assert [row["operation"] for row in rows if row["operation"].startswith("memory.")] == ["memory.create"]


async def test_what_waits_for_its_vector_survives_a_kill(server: Server) -> None:
    """Between the commit and the embedding there is a job, durable with the memory itself."""
    ctx = await server.ctx()
    await server.runtime.jobs.stop()
    await remember(ctx, RENEWAL)
    async with ctx.begin(write=False) as unit:
        waiting = select(job_rows.c.handler).where(job_rows.c.handler == MEMORIES.job)
        assert len((await (await unit.session()).execute(waiting)).all()) == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"content": ""}, "content"),
        ({"content": " \n\t "}, "content"),
        ({"content": "x" * 20_001}, "content"),
        ({"content": "x" * 1_000_001}, "content"),
        ({"content": "a\x00b"}, "content"),
        ({}, "content"),
        ({"content": "x", "type": "poem"}, "type"),
        ({"content": "x", "tags": [" "]}, "tags"),
        ({"content": "x", "tags": ["t"] * 33}, "tags"),
        ({"content": "x", "importance": 11}, "importance"),
        ({"content": "x", "confidence": -1}, "confidence"),
        ({"content": "x", "owner_kind": "user"}, "owner_id"),
        ({"content": "x", "owner_id": "user_1"}, "owner_id"),
        ({"content": "x", "expires_at": "2026-01-01T00:00:00"}, "expires_at"),
    ],
)
async def test_what_cannot_be_remembered_names_its_field(server: Server, body: dict[str, object], field: str) -> None:
    answer = await server.post("/api/v1/memory", body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]["code"] == "validation_error"
    assert field in answer.text


@pytest.mark.parametrize("body", [{"query": ""}, {"query": "  "}, {"query": "x", "top_k": 0}, {}])
async def test_a_search_for_nothing_is_refused(server: Server, body: dict[str, object]) -> None:
    answer = await server.post("/api/v1/memory/search", body)
    assert answer.status_code == 422, answer.text


async def test_over_the_wire(server: Server) -> None:
    body = {"content": RENEWAL, "type": "business", "tags": ["acme"], "title": "Renewal"}
    made = (await server.post("/api/v1/memory", body)).json()
    assert made["id"].startswith("mem_")
    assert (made["type"], made["tags"], made["duplicate"]) == ("business", ["acme"], False)
    assert (await server.post("/api/v1/memory", body)).json()["duplicate"] is True
    found = (await server.post("/api/v1/memory/search", {"query": "agreement", "top_k": 3})).json()["results"]
    why = found[0].pop("why")
    assert (why["word_rank"], why["meaning_rank"]) == (1, None), why
    assert found == [{"id": made["id"], "content": RENEWAL, "score": 1.0, "tags": ["acme"]}]
    assert [row["id"] for row in (await server.get("/api/v1/memory", type="business", tag="acme")).json()] == [
        made["id"]
    ]
    path = f"/api/v1/memory/{made['id']}"
    assert (await server.patch(path, {"pinned": True})).json()["pinned"] is True
    detail = (await server.get(path)).json()
    assert (detail["owner_kind"], detail["owner_id"], detail["title"]) == ("workspace", None, "Renewal")
    assert (await server.delete(path)).json() == {"deleted": True}
    assert (await server.get(path)).status_code == 404
    assert (await server.delete(path)).status_code == 404


async def test_reminders_are_of_these_owners_only_and_of_identifiers_whatever_their_score(server: Server) -> None:
    ctx = await server.ctx()
    shared = await remember(ctx, "Order NW-10482 was sent to Berlin")
    private = await remember(ctx, "Order NW-10482 belongs to Ann", owner_kind="user", owner_id="user_1")
    await remember(ctx, "Order NW-10999 was sent to Bonn")
    prompt = "A customer writes with many words about this and that. Where is NW-10482 now, she would like to know?"
    assert (await memory.reminders(ctx, Recall(text=prompt))).ids == (shared.id,)
    owners = (Owner(), Owner(kind=OwnerKind.USER, id="user_1"))
    assert set((await memory.reminders(ctx, Recall(text=prompt, owners=owners))).ids) == {shared.id, private.id}
    assert (await memory.reminders(ctx, Recall(text="  "))).text == ""
    assert (await memory.reminders(ctx, Recall(text="nothing of this"))).text == ""


def test_the_native_pair_of_types_is_there() -> None:
    assert {MemoryType("user"), MemoryType("business")} <= set(MemoryType)
