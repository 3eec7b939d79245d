"""The base of every repository: filtered by workspace, atomic where two may race, exact in what it stores."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from interlock.kit.errors import InterlockError, Kind
from interlock.kit.paging import PageQuery
from interlock.runtime.context import WorkspaceId
from interlock.runtime.repository import insert_if_absent
from tests.runtime.kernel.kernel import START, Colour, Kernel, ThingId, Things, things


async def test_another_workspace_sees_and_touches_nothing(kernel: Kernel) -> None:
    mine = await kernel.add("mine")
    stranger = kernel.ctx(WorkspaceId.new())
    async with stranger.begin(write=False) as inner:
        assert await Things(inner).find(mine.id) is None
        assert (await Things(inner).page(PageQuery())).items == ()
        assert (await Things(inner).page(PageQuery())).total == 0
    attempts: tuple[Callable[[Things], Awaitable[object]], ...] = (
        lambda repository: repository.get(mine.id),
        lambda repository: repository.change(mine.id, {"name": "stolen"}),
        lambda repository: repository.remove(mine.id),
    )
    for attempt in attempts:
        with pytest.raises(InterlockError) as caught:
            async with stranger.begin() as inner:
                await attempt(Things(inner))
        assert (caught.value.kind, caught.value.data) == (Kind.NOT_FOUND, {"id": str(mine.id)})
    assert await kernel.names() == ["mine"]


async def test_absent_and_foreign_are_told_apart_by_nothing(kernel: Kernel) -> None:
    mine, absent = await kernel.add("mine"), ThingId.new()
    told = []
    for key in (mine.id, absent):
        with pytest.raises(InterlockError) as caught:
            async with kernel.ctx(WorkspaceId.new()).begin(write=False) as inner:
                await Things(inner).get(key)
        error = caught.value
        told.append((error.kind, error.code, error.message.replace(str(key), "…"), set(error.data), error.hint))
    assert told[0] == told[1]


async def test_a_row_reads_back_as_it_was_written(kernel: Kernel) -> None:
    odd_zone = datetime(2026, 3, 1, 1, 2, 3, 456789, tzinfo=timezone(timedelta(hours=-7)))
    made = await kernel.add("ünïcode 🚲", price=Decimal("999999999.999999999"), made_at=odd_zone)
    async with kernel.ctx().begin(write=False) as inner:
        read = await Things(inner).get(made.id)
    assert read == made
    assert read.price == Decimal("999999999.999999999")
    assert read.made_at == odd_zone
    assert read.made_at.tzinfo is UTC
    assert isinstance(read.id, ThingId)


@pytest.mark.parametrize(
    "values",
    [{"made_at": datetime(2026, 1, 1)}, {"colour": "blue"}],  # noqa: DTZ001 - that is the point
)
async def test_what_a_column_cannot_hold_is_refused(kernel: Kernel, values: dict[str, Any]) -> None:
    with pytest.raises(Exception, match=r"time zone|is not a valid Colour"):
        await kernel.add("odd", **values)
    assert await kernel.names() == []


async def test_the_database_itself_holds_enums_to_their_members(kernel: Kernel) -> None:
    await kernel.add("one")
    with pytest.raises(IntegrityError):
        async with kernel.ctx().begin() as inner:
            await (await inner.session()).execute(text("UPDATE things SET colour = 'blue'"))


async def test_a_taken_unique_value_is_a_conflict_that_names_the_thing(kernel: Kernel) -> None:
    await kernel.add("one")
    two = await kernel.add("two")
    for attempt in (kernel.add("one"), rename(kernel, two.id, "one")):
        with pytest.raises(InterlockError) as caught:
            await attempt
        assert (caught.value.kind, caught.value.data) == (Kind.CONFLICT, {"thing": "thing"})


async def rename(kernel: Kernel, key: ThingId, name: str) -> None:
    async with kernel.ctx().begin() as inner:
        await Things(inner).change(key, {"name": name})


async def test_a_compare_and_set_changes_or_conflicts(kernel: Kernel) -> None:
    made = await kernel.add("one")
    async with kernel.ctx().begin() as inner:
        green = await Things(inner).change(made.id, {"colour": Colour.GREEN}, where=[things.c.colour == Colour.RED])
    assert green == made.model_copy(update={"colour": Colour.GREEN})
    with pytest.raises(InterlockError) as caught:
        async with kernel.ctx().begin() as inner:
            await Things(inner).change(made.id, {"name": "lost"}, where=[things.c.colour == Colour.RED])
    assert caught.value.kind is Kind.CONFLICT
    assert await kernel.names() == ["one"]


async def test_of_many_that_compare_and_set_one_wins(kernel: Kernel) -> None:
    made = await kernel.add("one")

    async def paint() -> str:
        try:
            async with kernel.ctx().begin() as inner:
                await Things(inner).change(made.id, {"colour": Colour.GREEN}, where=[things.c.colour == Colour.RED])
        except InterlockError as error:
            return error.kind.value
        return "won"

    assert Counter(await asyncio.gather(*(paint() for _ in range(20)))) == {"won": 1, "conflict": 19}


async def test_of_many_first_insertions_one_wins(kernel: Kernel) -> None:
    async def claim() -> bool:
        async with kernel.ctx().begin() as inner:
            row = {
                "guid": ThingId.new(),
                "workspace_id": kernel.workspace_id,
                "name": "only one",
                "colour": Colour.RED,
                "made_at": inner.now,
            }
            return await insert_if_absent(inner, things, row)

    assert sum(await asyncio.gather(*(claim() for _ in range(20)))) == 1
    assert await kernel.names() == ["only one"]


async def test_a_named_lock_makes_read_then_write_serial(kernel: Kernel) -> None:
    made = await kernel.add("one", price=Decimal(0))

    async def pay() -> None:
        async with kernel.ctx().begin() as inner:
            await (await inner.session()).lock("till")
            now = (await Things(inner).get(made.id)).price or Decimal(0)
            await asyncio.sleep(0)
            await Things(inner).change(made.id, {"price": now + Decimal("0.1")})

    await asyncio.gather(*(pay() for _ in range(20)))
    async with kernel.ctx().begin(write=False) as inner:
        assert (await Things(inner).get(made.id)).price == Decimal(2)


async def test_pages_cover_every_row_once_newest_first(kernel: Kernel) -> None:
    for index in range(7):
        await kernel.add(f"thing {index}", colour=Colour.GREEN if index % 2 else Colour.RED)
    seen: list[str] = []
    async with kernel.ctx().begin(write=False) as inner:
        for offset in range(0, 9, 3):
            page = await Things(inner).page(PageQuery(limit=3, offset=offset))
            assert page.total == 7
            seen += [item.name for item in page.items]
        green = await Things(inner).page(PageQuery(), {"colour": Colour.GREEN})
        unfiltered = await Things(inner).page(PageQuery(), {"colour": None})
        with pytest.raises(ValueError, match="no filter"):
            await Things(inner).page(PageQuery(), {"name": "thing 1"})
    assert seen == [f"thing {index}" for index in reversed(range(7))]
    assert [item.name for item in green.items] == ["thing 5", "thing 3", "thing 1"]
    assert (green.total, len(unfiltered.items)) == (3, 7)


async def test_removing_is_final(kernel: Kernel) -> None:
    made = await kernel.add("one")
    async with kernel.ctx().begin() as inner:
        await Things(inner).remove(made.id)
    with pytest.raises(InterlockError, match="No thing with id"):
        async with kernel.ctx().begin() as inner:
            await Things(inner).remove(made.id)


async def test_time_comes_from_the_clock_of_the_runtime(kernel: Kernel) -> None:
    assert (await kernel.add("one")).made_at == START
    kernel.clock.advance(timedelta(hours=1))
    assert (await kernel.add("two")).made_at == START + timedelta(hours=1)
