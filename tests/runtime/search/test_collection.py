"""What is put is found by its words at once and by its meaning soon; what goes is gone; nobody sees another's."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from interlock.runtime.context import WorkspaceId
from interlock.runtime.search import Collection, Entry, Query, embedding, postgres, purge, sqlite
from interlock.runtime.search.schema import DIMENSIONS, search_entries
from interlock.runtime.search.shelf import Shelf
from interlock.runtime.search.words import label_token, scope_token
from tests.runtime.search.conftest import NOTES, START, TOMORROW, Bench, meaning, opened

RENEWAL = Entry(1, "Acme renewed its agreement until March", {"kind:deal", "owner:ann"})
INVOICE = Entry(2, "Invoices for order NW-10482 go to Berlin", {"kind:order", "owner:bob"})
LUNCH = Entry(3, "Lunch is at noon", {"kind:note", "owner:ann"})


async def test_words_find_it_at_once_and_meaning_after_the_job(bench: Bench) -> None:
    await bench.put(RENEWAL, INVOICE, LUNCH)
    assert await bench.numbers("renewing") == [1]
    assert await bench.numbers("contract", like=RENEWAL.text) == []
    await bench.work()
    found = await bench.search("contract", like=RENEWAL.text)
    assert found[0].number == 1
    assert found[0].cosine == pytest.approx(1, abs=1e-5)
    assert found[0].score == pytest.approx(1, abs=1e-5)
    assert len(found) == 3


async def test_an_identifier_finds_its_entry_first(bench: Bench) -> None:
    await bench.put(INVOICE, Entry(4, "Order NW-10483 goes to Bonn"), Entry(5, "10482 is a number, NW a region"))
    hits = await bench.search("where does NW-10482 go?")
    assert hits[0].number == 2
    assert hits[0].coverage == 1


async def test_beside_meaning_words_must_tell_something(bench: Bench) -> None:
    """A shared word or two must not lift what merely contains them above what was meant."""
    await bench.put(
        RENEWAL, INVOICE, *(Entry(number, f"Lunch {number} at the office in March") for number in range(10, 40))
    )
    await bench.work()
    question = "Is the deal with our client in the north still on this March?"
    assert await bench.numbers(question, like=RENEWAL.text) != []
    assert (await bench.numbers(question, like=RENEWAL.text))[0] == 1
    assert (await bench.numbers("which deal is NW-10482?", like=RENEWAL.text))[:2] == [2, 1]
    await bench.put(Entry(50, "deal"))
    assert 50 in await bench.numbers(question, like=RENEWAL.text), "it has no vector yet: its words are all there is"


async def test_labels_filter_before_the_ranking(bench: Bench) -> None:
    many = [Entry(number, "the same words here", {"kind:noise"}) for number in range(10, 130)]
    await bench.put(RENEWAL, INVOICE, LUNCH, Entry(5, "the same words here", {"kind:rare", "owner:ann"}), *many)
    await bench.work()
    assert await bench.numbers("same words", {"kind:rare"}, like="the same words here") == [5]
    assert await bench.numbers("same words", {"kind:rare", "kind:deal"}, {"owner:ann"}, like="x") == [5, 1]
    assert await bench.numbers("same words", {"kind:rare"}, {"owner:bob"}, like="x") == []
    assert await bench.numbers("same words", set(), like="x") == []


async def test_nobody_sees_another_workspaces_or_collections_entries(bench: Bench) -> None:
    other, theirs = bench.elsewhere(), Collection("others")
    theirs.register(bench.runtime.jobs, bench.embed)
    await bench.put(RENEWAL)
    # Somebody who knows the words of another's scope writes them as text.
    forged = f"{scope_token('notes', bench.ctx.workspace_id)} {label_token('kind:deal')} agreement"
    await bench.put(replace(RENEWAL, text=forged), ctx=other)
    async with bench.ctx.begin() as unit:
        await theirs.put(unit, [RENEWAL])
        await theirs.remove(unit, [1])
    await bench.work()
    assert [hit.text for hit in await bench.search("agreement", like=forged)] == [RENEWAL.text]
    assert [hit.text for hit in await bench.search("agreement", ctx=other, like=forged)] == [forged]
    assert await bench.search("agreement", {"kind:order"}, like="x") == ()


async def test_text_cannot_pretend_to_carry_a_label(bench: Bench) -> None:
    await bench.put(Entry(1, f"secret {label_token('kind:deal')} plan"))
    assert await bench.numbers("secret", {"kind:deal"}) == []


async def test_an_entry_is_found_until_its_end(bench: Bench) -> None:
    await bench.put(replace(RENEWAL, until=TOMORROW), INVOICE)
    await bench.work()
    assert await bench.numbers("agreement", like=RENEWAL.text) == [1, 2]
    bench.clock.advance(timedelta(days=1))
    assert await bench.numbers("agreement", like=RENEWAL.text) == [2]


async def test_what_is_removed_is_gone_with_text_and_vector(bench: Bench) -> None:
    await bench.put(RENEWAL, INVOICE)
    await bench.work()
    assert await bench.numbers("agreement", like=RENEWAL.text) == [1, 2]
    await bench.remove(1)
    assert await bench.numbers("agreement", like=RENEWAL.text) == [2]
    async with bench.ctx.begin(write=False) as unit:
        rows = (await (await unit.session()).execute(select(search_entries))).all()
    assert [(row.text, row.vector is None) for row in rows if row.number == 1] in ([], [("", True)])
    await bench.put(RENEWAL)
    assert await bench.numbers("agreement") == [1]


async def test_new_text_replaces_words_and_meaning_and_the_same_text_keeps_its_vector(bench: Bench) -> None:
    await bench.put(RENEWAL)
    await bench.work()
    await bench.put(replace(RENEWAL, labels={"kind:other"}))
    assert await bench.numbers("agreement", {"kind:other"}, like=RENEWAL.text) == [1]
    assert (await bench.search("nothing", {"kind:other"}, like=RENEWAL.text))[0].cosine is not None
    await bench.put(replace(RENEWAL, text="They walked away"))
    assert await bench.numbers("agreement", like=RENEWAL.text) == []
    assert (await bench.search("walked", like="They walked away"))[0].cosine is None
    await bench.work()
    assert (await bench.search("walked", like="They walked away"))[0].score == pytest.approx(1, abs=1e-5)


async def test_a_rollback_leaves_nothing_behind(bench: Bench) -> None:
    await bench.put(INVOICE)
    await bench.work()
    with pytest.raises(RuntimeError, match="changed my mind"):  # noqa: PT012 - the search inside is part of it
        async with bench.ctx.begin() as unit:
            await NOTES.put(unit, [RENEWAL])
            await NOTES.remove(unit, [2])
            inside = await NOTES.search(unit, Query("agreement order", meaning(INVOICE.text)))
            assert [hit.number for hit in inside] == [1]
            raise RuntimeError("changed my mind")
    assert await bench.numbers("agreement order", like=INVOICE.text) == [2]
    assert await bench.waiting_jobs() == 0


async def test_another_process_is_seen(bench: Bench) -> None:
    await bench.put(RENEWAL, INVOICE)
    await bench.work()
    assert await bench.numbers("agreement", like=RENEWAL.text) == [1, 2]
    async with opened(bench.runtime.settings.data_dir, bench.runtime.settings.database_url) as second:
        ctx = second.with_workspace(bench.ctx.workspace_id)
        async with ctx.begin() as unit:
            await NOTES.remove(unit, [1])
            await NOTES.put(unit, [LUNCH])
        await second.work()
    assert sorted(await bench.numbers("lunch", like=LUNCH.text)) == [2, 3]


async def test_a_flood_makes_one_job_and_few_model_calls(bench: Bench) -> None:
    for number in range(200):
        await bench.put(Entry(number, f"fact {number}"))
    assert await bench.waiting_jobs() == 1
    await bench.work()
    assert [len(call) for call in bench.calls] == [64, 64, 64, 8]
    assert (await bench.search("", like="fact 7"))[0].number == 7


async def test_without_ai_access_words_still_find_it_and_meaning_comes_with_the_next_write(bench: Bench) -> None:
    bench.has_ai = False
    await bench.put(RENEWAL)
    await bench.work()
    assert await bench.numbers("agreement", like=RENEWAL.text) == [1]
    bench.has_ai = True
    await bench.put(INVOICE)
    await bench.work()
    assert [hit.cosine is not None for hit in await bench.search("agreement order", like="x")] == [True, True]


async def test_model_trouble_is_retried_and_words_go_on_working(bench: Bench) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("the model is gone")

    trouble = Collection("trouble")
    trouble.register(bench.runtime.jobs, broken)
    async with bench.ctx.begin() as unit:
        await trouble.put(unit, [RENEWAL])
        await NOTES.put(unit, [INVOICE])
    with pytest.raises(RuntimeError, match="the model is gone"):
        await embedding.fill(bench.ctx, "trouble", broken)
    async with bench.ctx.begin(write=False) as unit:
        assert [hit.number for hit in await trouble.search(unit, Query("agreement", meaning("x")))] == [1]
    await embedding.fill(bench.ctx, "trouble", bench.embed)
    async with bench.ctx.begin(write=False) as unit:
        assert (await trouble.search(unit, Query("agreement", meaning(RENEWAL.text))))[0].cosine is not None


async def test_a_text_that_changed_while_its_vector_was_made_waits_for_another(bench: Bench) -> None:
    async def slow(ctx: object, texts: list[str]) -> object:
        if len(bench.calls) == 0:
            await bench.put(replace(RENEWAL, text="They walked away"))
        return await bench.embed(bench.ctx, texts)

    await bench.put(RENEWAL)
    await embedding.fill(bench.ctx, "notes", slow)  # type: ignore[arg-type]  # the least that serves
    assert await bench.waiting_jobs() == 2
    assert (await bench.search("walked", like="They walked away"))[0].cosine is None
    await bench.work()
    assert (await bench.search("walked", like="They walked away"))[0].score == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("module", [sqlite, postgres])
async def test_common_words_are_left_out_beside_rarer_ones_and_alone_find_the_newest(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, module: object
) -> None:
    monkeypatch.setattr(module, "COMMON", 5)
    await bench.put(*(Entry(number, f"common ground {'pebble' if number == 3 else ''}") for number in range(30)))
    if bench.runtime.settings.is_postgres is (module is postgres):
        assert await bench.numbers("common pebble") == [3]
    newest = await bench.numbers("common ground")
    assert newest[0] == 29
    assert set(newest) <= set(range(20, 30))


async def test_a_collection_too_large_to_keep_gives_the_same_answer(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.put(*(Entry(number, f"fact {number}", {f"part:{number % 2}"}) for number in range(40)))
    await bench.work()
    kept = await bench.search("", {"part:1"}, like="fact 7")
    monkeypatch.setattr(sqlite, "MOST_KEPT", 10)
    monkeypatch.setattr(sqlite, "_CHUNK", 9)
    fresh = bench.elsewhere()
    bench.runtime.local(sqlite._Shelves).held.clear()
    assert await bench.search("", {"part:1"}, like="fact 7") == kept
    assert await bench.search("", {"part:1"}, like="fact 7", ctx=fresh) == ()


async def test_the_index_of_a_large_collection_finds_the_nearest_within_the_filter(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "EXACT", 10)
    other = bench.elsewhere()
    await bench.put(*(Entry(number, f"theirs {number}") for number in range(100)), ctx=other)
    await bench.put(*(Entry(number, f"fact {number}", {f"part:{number % 50}"}) for number in range(100)))
    await bench.work()
    assert (await bench.numbers("", like="fact 7"))[0] == 7
    assert await bench.numbers("", {"part:7"}, like="fact 7") == [7, 57]


async def test_shelves_make_room_for_each_other(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    if bench.runtime.settings.is_postgres:
        pytest.skip("PostgreSQL keeps nothing in memory")
    monkeypatch.setattr(sqlite, "MOST_KEPT", 5)
    other = bench.elsewhere()
    await bench.put(*(Entry(number, f"fact {number}") for number in range(4)))
    await bench.put(*(Entry(number, f"fact {number}") for number in range(4)), ctx=other)
    await bench.work()
    first = await bench.search("", like="fact 1")
    await bench.search("", like="fact 1", ctx=other)
    held = bench.runtime.local(sqlite._Shelves).held
    assert sum(len(each.shelf) for each in held.values() if each.shelf is not None) == 4
    assert await bench.search("", like="fact 1") == first


async def test_marks_of_what_went_are_dropped_and_changes_after_that_are_seen(bench: Bench) -> None:
    await bench.put(RENEWAL, INVOICE)
    await bench.work()
    await bench.search("", like="x")
    await bench.remove(1, 2)
    bench.clock.advance(timedelta(days=3))
    await purge(bench.ctx)
    async with bench.ctx.begin(write=False) as unit:
        left = len((await (await unit.session()).execute(select(search_entries.c.id))).all())
    assert left == (0 if bench.runtime.settings.is_postgres else 1)
    assert await bench.search("", like="x") == ()
    await bench.put(LUNCH)
    await bench.work()
    assert await bench.numbers("", like="x") == [3]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(max_size=80)
    | st.sampled_from(['"', "a AND", "NEAR(", "col:x*", "'; --", "a & | !", "\x00", "^", "(((", "-"])
)
async def test_no_text_is_syntax(bench: Bench, text: str) -> None:
    await bench.put(replace(RENEWAL, text=f"{text} agreement", labels={text}))
    assert await bench.numbers(f"{text} agreement", {text}) in ([1], [])
    assert await bench.numbers("agreement", {text}) == [1]


async def test_the_shelf_agrees_with_comparing_everything(bench: Bench) -> None:
    rng = np.random.default_rng(7)
    entries = [Entry(number, f"fact {number}", {f"part:{number % 3}"}) for number in range(400)]
    await bench.put(*entries)
    await bench.work()
    await bench.remove(*range(0, 400, 7))
    alive = [entry for entry in entries if entry.number % 7]
    for _ in range(20):
        wanted = rng.normal(size=DIMENSIONS).astype(np.float32)
        part = int(rng.integers(3))
        mine = [entry for entry in alive if entry.number % 3 == part]
        matrix = np.stack([meaning(entry.text) for entry in mine])
        matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
        cosines = matrix @ (wanted / np.linalg.norm(wanted))
        best = [mine[index].number for index in np.argsort(-cosines)[:10]]
        assert [hit.number for hit in await bench.search("", {f"part:{part}"}, vector=wanted)] == best


def test_a_fresh_shelf_finds_nothing() -> None:
    assert Shelf().nearest(meaning("x"), [], START.timestamp(), 5) == []


def test_a_collections_name_is_plain() -> None:
    with pytest.raises(ValueError, match="lower-case"):
        Collection("No way")


def test_scope_words_differ_by_workspace_and_collection() -> None:
    first, second = WorkspaceId.new(), WorkspaceId.new()
    assert len({scope_token("notes", first), scope_token("notes", second), scope_token("others", first)}) == 3
