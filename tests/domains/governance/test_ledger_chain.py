"""The chain: gapless, linked, insert-only, and honest about what was changed."""

import asyncio
import hashlib
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import ClassVar

import orjson
import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from interlock.domains.governance.ledger import layout
from interlock.domains.governance.ledger import service as ledger
from interlock.domains.governance.ledger.models import ledger_entries
from interlock.domains.governance.ledger.views import EntryEvent, EntryId, LedgerEntry, NewEntry, Verification
from interlock.kit.errors import InterlockError, Kind
from interlock.kit.ids import TypedId
from interlock.runtime.context import ActorKind, Ctx, WorkspaceId
from tests.domains.governance.backstage import another_server, rows, tamper, within
from tests.domains.governance.world import START, World


class CheckId(TypedId):
    """Stands for the checks' own id."""

    prefix: ClassVar[str] = "chk"


@dataclass(frozen=True)
class Matched:
    """Stands for a matched policy of the policies."""

    policy_id: TypedId
    mode: str


def entry(event: EntryEvent = EntryEvent.CHECK, **values: object) -> NewEntry:
    fields = {"caller_kind": ActorKind.KEY, "caller_label": "ci", "tool": "slack_send_message", **values}
    return NewEntry(event=event, **fields)  # type: ignore[arg-type]


async def record(ctx: Ctx, count: int = 1, **values: object) -> list[LedgerEntry]:
    async with ctx.begin() as unit_ctx:
        return [await ledger.record(unit_ctx, entry(**values)) for _ in range(count)]  # type: ignore[arg-type]


async def _record_and_fail(ctx: Ctx) -> None:
    await ledger.record(ctx, entry())
    raise ZeroDivisionError


async def verify(world: World, **values: str) -> Verification:
    return await world.call(ledger.verify, ledger.VerifyLedger.model_validate(values))


async def test_an_entry_comes_back_as_it_was_recorded(either_world: World) -> None:
    world = either_world
    check = CheckId.new()
    [recorded] = await record(
        world.ctx,
        caller_id=CheckId.new(),
        args_hash="ab" * 32,
        masked_fields=("body.ssn",),
        scope={"tools": ["slack_*"], "resources": {"channel": ["ops-*"]}},
        matched=(Matched(check, "log"),),
        decision="authorized",
        reason="no policy · ✓ \x00 \u2028",
        cost=Decimal("0.1"),
        latency_ms=0,
        controls=("SOC2:CC6.1",),
        check_id=check,
        extra={"model": "m"},
    )
    read = await world.call(ledger.get, ledger.EntryRef(entry_id=recorded.id))
    assert read == recorded
    assert read.sequence == 1
    assert read.at == START
    assert read.previous_hash == ledger.GENESIS
    assert read.cost == Decimal("0.1")
    assert read.latency_ms == 0
    assert read.matched == ({"policy_id": str(check), "mode": "log"},)
    assert read.check_id == str(check)


async def test_entries_link_and_the_hash_is_that_of_the_stored_bytes(either_world: World) -> None:
    first, second = await record(either_world.ctx, 2)
    assert (second.sequence, second.previous_hash) == (2, first.hash)
    stored = await rows(either_world.ctx, "SELECT content, hash FROM ledger_entries ORDER BY sequence")
    assert [hashlib.sha256(row.content.encode()).hexdigest() for row in stored] == [first.hash, second.hash]


async def test_an_undone_unit_of_work_leaves_no_gap(either_world: World) -> None:
    world = either_world
    await record(world.ctx)
    with pytest.raises(ZeroDivisionError):
        await within(world.ctx, _record_and_fail)
    [after] = await record(world.ctx)
    assert after.sequence == 2
    assert (await verify(world)).valid


async def test_the_first_unit_of_work_may_be_undone_without_losing_the_seal(either_world: World) -> None:
    world = either_world
    with pytest.raises(ZeroDivisionError):
        await within(world.ctx, _record_and_fail)
    await record(world.ctx)
    assert (await verify(world)).valid


async def test_each_workspace_has_a_chain_of_its_own(either_world: World) -> None:
    world = either_world
    other = await world.elsewhere()
    await record(world.ctx, 2)
    [theirs] = await record(other)
    assert (theirs.sequence, theirs.previous_hash) == (1, ledger.GENESIS)
    with pytest.raises(InterlockError) as refusal:
        await world.call(ledger.get, ledger.EntryRef(entry_id=theirs.id))
    assert refusal.value.kind is Kind.NOT_FOUND
    assert (await verify(world)).entries == 2


async def test_two_servers_writing_at_once_keep_the_chain_gapless(either_world: World) -> None:
    world = either_world
    second = another_server(world)
    try:
        await asyncio.gather(*(record(ctx) for _ in range(30) for ctx in (world.ctx, second)))
        result = await verify(world)
    finally:
        await second.runtime.database.close()
    assert (result.valid, result.entries, result.head_sequence) == (True, 60, 60)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_entries SET hash = hash",
        "UPDATE ledger_entries SET tool = 'x' WHERE sequence = 1",
        "DELETE FROM ledger_entries",
        "DELETE FROM ledger_entries WHERE sequence = 2",
        "TRUNCATE ledger_entries",
        "INSERT OR REPLACE INTO ledger_entries SELECT * FROM ledger_entries WHERE sequence = 1",
    ],
)
async def test_the_database_itself_refuses_to_change_evidence(either_world: World, statement: str) -> None:
    world = either_world
    if (statement.startswith("TRUNCATE") and not world.runtime.database.is_postgres) or (
        "REPLACE" in statement and world.runtime.database.is_postgres
    ):
        pytest.skip("this database has no such statement")
    await record(world.ctx, 2)
    with pytest.raises(DBAPIError, match="insert-only"):
        await within(world.ctx, lambda ctx: _execute(ctx, statement))
    assert (await verify(world)).entries == 2


async def _execute(ctx: Ctx, statement: str) -> None:
    await (await ctx.session()).execute(text(statement))


async def test_an_idempotency_key_names_one_entry_for_ever(either_world: World) -> None:
    world = either_world
    [first] = await record(world.ctx, idempotency_key="key-1")
    async with world.ctx.begin() as unit_ctx:
        await ledger.hold(unit_ctx)
        assert await ledger.find_by_key(unit_ctx, "key-1") == first
        assert await ledger.find_by_key(unit_ctx, "key-2") is None
    with pytest.raises(IntegrityError):
        await record(world.ctx, idempotency_key="key-1")
    await record(await world.elsewhere(), idempotency_key="key-1")


async def test_a_check_and_its_outcome_are_found_by_the_check(either_world: World) -> None:
    world = either_world
    check = CheckId.new()
    [asked] = await record(world.ctx, check_id=check, decision="authorized")
    async with world.ctx.begin() as unit_ctx:
        assert await ledger.find_check(unit_ctx, check) == asked
        assert await ledger.find_outcome(unit_ctx, check) is None
    [ended] = await record(world.ctx, event=EntryEvent.OUTCOME, check_id=check, outcome="success")
    async with (await world.elsewhere()).begin() as foreign:
        assert await ledger.find_check(foreign, check) is None
    async with world.ctx.begin() as unit_ctx:
        assert await ledger.find_outcome(unit_ctx, check) == ended


async def test_an_empty_ledger_is_valid(either_world: World) -> None:
    result = await verify(either_world)
    assert (result.valid, result.entries, result.head_hash) == (True, 0, ledger.GENESIS)
    assert (await verify(either_world, known_head=ledger.GENESIS)).valid


CHANGES = {
    "a byte of the content": (
        "UPDATE ledger_entries SET content = replace(content, 'slack', 'slick') WHERE sequence = 3",
        3,
    ),
    "a hash": ("UPDATE ledger_entries SET hash = replace(hash, substr(hash, 1, 1), 'x') WHERE sequence = 3", 3),
    "a seal": ("UPDATE ledger_entries SET seal = 'x' || substr(seal, 2) WHERE sequence = 3", 3),
    "a searchable copy": ("UPDATE ledger_entries SET tool = 'harmless' WHERE sequence = 3", 3),
    "another copy": ("UPDATE ledger_entries SET decision = 'authorized' WHERE sequence = 3", 3),
    "the event": ("UPDATE ledger_entries SET event = 'risk' WHERE sequence = 3", 3),
    "the time": ("UPDATE ledger_entries SET at = '2020-01-01 00:00:00.000000' WHERE sequence = 3", 3),
    "content that is no JSON": ("UPDATE ledger_entries SET content = 'gone' WHERE sequence = 3", 3),
    "an entry deleted": ("DELETE FROM ledger_entries WHERE sequence = 3", 3),
    "the first entry deleted": ("DELETE FROM ledger_entries WHERE sequence = 1", 1),
    "an entry moved to another workspace": (
        "UPDATE ledger_entries SET workspace_id = :elsewhere WHERE sequence = 3",
        3,
    ),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_verify_names_the_first_broken_entry(either_world: World, change: str) -> None:
    world = either_world
    recorded = await record(world.ctx, 5)
    statement, sequence = CHANGES[change]
    elsewhere = WorkspaceId.new()
    await tamper(world, statement, elsewhere=elsewhere if world.runtime.database.is_postgres else elsewhere.hex)
    result = await verify(world)
    assert not result.valid
    assert result.first_invalid is not None
    assert result.first_invalid.sequence == sequence
    assert result.entries == sequence - 1
    is_gone = "delete" in change or "moved" in change
    assert result.first_invalid.id == (None if is_gone else str(recorded[sequence - 1].id))


async def test_reordered_entries_are_named(either_world: World) -> None:
    world = either_world
    await record(world.ctx, 5)
    await tamper(
        world,
        "UPDATE ledger_entries SET sequence = 99 WHERE sequence = 2",
        "UPDATE ledger_entries SET sequence = 2 WHERE sequence = 4",
        "UPDATE ledger_entries SET sequence = 4 WHERE sequence = 99",
    )
    result = await verify(world)
    assert result.first_invalid is not None
    assert (result.valid, result.first_invalid.sequence) == (False, 2)
    assert "another place" in result.first_invalid.reason


async def test_a_forged_entry_with_a_perfect_hash_lacks_the_seal(either_world: World) -> None:
    world = either_world
    last = (await record(world.ctx, 3))[-1]
    key = EntryId.new()
    content = layout.content_of(entry(decision="authorized"), key, world.ctx.workspace_id, 4, START, last.hash)
    written = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    digest = hashlib.sha256(written).hexdigest()
    forged = {
        "guid": key,
        "workspace_id": world.ctx.workspace_id,
        "sequence": 4,
        "at": START,
        "event": EntryEvent.CHECK,
        **layout.columns_of(content),
        "content": written.decode(),
        "hash": digest,
        "seal": layout.seal_of(b"not the server's key, of course!", digest),
    }
    async with world.ctx.begin() as unit_ctx:
        await (await unit_ctx.session()).execute(insert(ledger_entries), forged)
    result = await verify(world)
    assert result.first_invalid is not None
    assert (result.first_invalid.sequence, result.first_invalid.id) == (4, str(key))
    assert "seal" in result.first_invalid.reason


async def test_a_cut_off_end_is_found_by_a_head_noted_earlier(either_world: World) -> None:
    world = either_world
    await record(world.ctx, 5)
    noted = (await verify(world)).head_hash
    await tamper(world, "DELETE FROM ledger_entries WHERE sequence = 5")
    assert (await verify(world)).valid
    result = await verify(world, known_head=noted)
    assert result.first_invalid is not None
    assert (result.valid, result.first_invalid.sequence) == (False, 5)


async def test_a_stretch_is_named_by_sequence_date_or_moment(either_world: World) -> None:
    world = either_world
    for _ in range(3):
        await record(world.ctx, 2)
        world.clock.advance(timedelta(days=1))
    assert (await verify(world, **{"from": "2", "to": "4"})).entries == 3
    assert (await verify(world, **{"from": "2026-09-01", "to": "2026-09-01"})).entries == 2
    assert (await verify(world, **{"from": "2026-09-01T12:00:00Z"})).entries == 4
    assert (await verify(world, to="2026-08-31T11:59:59Z")).entries == 0
    assert (await verify(world, **{"from": "2027-01-01"})).entries == 0
    assert (await verify(world, **{"from": "5", "to": "900"})).entries == 2
    with pytest.raises(InterlockError, match="'from'") as refusal:
        await verify(world, **{"from": "yesterday"})
    assert refusal.value.kind is Kind.INVALID


async def test_a_stretch_is_linked_to_the_entry_before_it(either_world: World) -> None:
    world = either_world
    await record(world.ctx, 4)
    await tamper(world, "UPDATE ledger_entries SET hash = 'a' || substr(hash, 2, 62) || 'z' WHERE sequence = 2")
    result = await verify(world, **{"from": "3"})
    assert result.first_invalid is not None
    assert result.first_invalid.sequence == 3


async def test_authorised_checks_without_an_ending_inform_and_do_not_invalidate(either_world: World) -> None:
    world = either_world
    ended, open_, denied = CheckId.new(), CheckId.new(), CheckId.new()
    await record(world.ctx, check_id=ended, decision="authorized")
    await record(world.ctx, check_id=open_, decision="authorized")
    await record(world.ctx, check_id=denied, decision="denied")
    await record(world.ctx, event=EntryEvent.OUTCOME, check_id=ended, outcome="success")
    result = await verify(world)
    assert result.valid
    assert [(gap.check_id, gap.tool, gap.checked_at) for gap in result.gaps] == [
        (str(open_), "slack_send_message", START)
    ]
    assert result.gaps_total == 1


async def test_more_entries_than_one_chunk_are_walked(world: World) -> None:
    await record(world.ctx, 2_100)
    assert (await verify(world)).entries == 2_100
    await tamper(world, "DELETE FROM ledger_entries WHERE sequence = 1001")
    result = await verify(world)
    assert result.first_invalid is not None
    assert result.first_invalid.sequence == 1001


async def test_a_clock_set_back_keeps_the_chain(either_world: World) -> None:
    world = either_world
    await record(world.ctx)
    world.clock.advance(-timedelta(days=3))
    await record(world.ctx)
    assert (await verify(world)).valid


@pytest.mark.parametrize("text_", ["tool with \x00 inside", "t" * 5_000, "snowman ☃ 🏔", '"quotes"\\\n\t\x7f'])
async def test_any_text_is_kept_and_verifies(either_world: World, text_: str) -> None:
    world = either_world
    [recorded] = await record(world.ctx, tool=text_, caller_label=text_, reason=text_, error=text_)
    assert (await world.call(ledger.get, ledger.EntryRef(entry_id=recorded.id))).tool == text_
    assert (await verify(world)).valid


async def test_evidence_cannot_hold_what_is_not_json(world: World) -> None:
    with pytest.raises(TypeError, match="not JSON serializable"):
        await record(world.ctx, scope={"a": object()})
