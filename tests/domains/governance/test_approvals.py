"""Gates: opened, decided once, expired, withdrawn; what is sealed and what is shown."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from interlock.domains.governance.approvals import jobs
from interlock.domains.governance.approvals import service as approvals
from interlock.domains.governance.approvals.events import ApprovalDecided, ApprovalRequested
from interlock.domains.governance.approvals.jobs import ExpireApproval
from interlock.domains.governance.approvals.models import approvals as table
from interlock.domains.governance.approvals.service import ApprovalRef, Approve, ListApprovals, OpenGate, Reject
from interlock.domains.governance.approvals.states import ApprovalStatus
from interlock.domains.governance.approvals.views import Approval, ApprovalId, ApprovalKind
from interlock.domains.governance.ledger import service as ledger
from interlock.domains.governance.ledger.service import ListEntries
from interlock.domains.governance.ledger.views import EntryEvent
from interlock.domains.governance.policies.views import Decision
from interlock.kit.canonical import digest
from interlock.kit.errors import InterlockError, Kind
from interlock.kit.ids import TypedId
from interlock.runtime.context import ANONYMOUS, SYSTEM, Actor, ActorKind, UserId
from tests.domains.governance.world import World, user

SCHEMA = {
    "type": "object",
    "properties": {"amount": {"type": "integer"}, "card": {"type": "string"}},
    "required": ["amount"],
    "additionalProperties": False,
}
RAW: dict[str, Any] = {"amount": 500, "card": "4111111111111111"}


async def opened(world: World, kind: ApprovalKind = ApprovalKind.TOOL_CALL, **rest: Any) -> Approval:
    values: dict[str, Any] = {
        "tool": "payments.create_refund",
        "reason": "always held",
        "subject": "call_1",
        "arguments_masked": {"amount": 500, "card": "[masked:card]"},
        "payload": RAW,
        "schema": SCHEMA,
        **rest,
    }
    async with world.ctx.begin() as unit:
        return await approvals.open_gate(unit, OpenGate(kind=kind, **values))


async def read(world: World, key: ApprovalId) -> Approval:
    return await world.call(approvals.get, ApprovalRef(approval_id=key))


async def payload_of(world: World, key: ApprovalId) -> Any:
    async with world.ctx.begin(write=False) as unit:
        return await approvals.payload(unit, key)


async def test_a_gate_keeps_the_raw_call_sealed_and_shows_the_masked_one(world: World) -> None:
    run = TypedId.new()
    gate = await opened(world, run_id=run)
    assert gate.status is ApprovalStatus.PENDING
    assert gate.decision is Decision.ESCALATED
    assert gate.args_hash == world.runtime.secrets.keyed_digest(RAW) != digest(RAW)
    assert gate.run_id == run
    assert gate.expires_at == world.clock.now() + timedelta(hours=24)
    assert await payload_of(world, gate.id) == RAW
    async with world.ctx.begin(write=False) as unit:
        row = (await (await unit.session()).execute(select(table))).one()
    assert RAW["card"] not in str(dict(row._mapping))
    [asked] = world.heard(ApprovalRequested)
    assert (asked.approval_id, asked.subject, asked.run_id, asked.caller) == (
        gate.id,
        "call_1",
        run,
        world.ctx.actor.label,
    )


async def test_both_names_of_a_gate_are_read(world: World) -> None:
    gate = await opened(world)
    for name in (gate.id.render(), gate.id.render("esc")):
        assert (await world.call(approvals.get, ApprovalRef.model_validate({"approval_id": name}))).id == gate.id
    assert gate.id.render("esc").startswith("esc_")


async def test_approving_as_is(world: World) -> None:
    gate = await opened(world)
    world.clock.advance(timedelta(minutes=5))
    decided = await world.call(approvals.approve, Approve(approval_id=gate.id, comment="fine"))
    assert decided.status is ApprovalStatus.APPROVED
    assert decided.decision is Decision.AUTHORIZED
    assert (decided.comment, decided.decided_at) == ("fine", world.clock.now())
    assert decided.reviewer_id == world.ctx.actor.user_id
    assert (decided.edited_output, decided.edited_hash) == (None, None)
    assert await payload_of(world, gate.id) == RAW
    [news] = world.heard(ApprovalDecided)
    assert (news.approval_id, news.status, news.edited, news.kind) == (gate.id, "approved", False, "tool_call")
    [entry] = (await world.call(ledger.list_, ListEntries(event=EntryEvent.APPROVAL))).items
    assert (entry.decision, entry.approval_id, entry.reviewer) == ("authorized", str(gate.id), str(decided.reviewer_id))
    assert RAW["card"] not in entry.model_dump_json()


async def test_rejecting_destroys_the_held_call(world: World) -> None:
    gate = await opened(world)
    decided = await world.call(approvals.reject, Reject(approval_id=gate.id, comment="no", reason="factual_error"))
    assert (decided.status, decided.decision, decided.reason_code) == ("rejected", Decision.DENIED, "factual_error")
    assert await payload_of(world, gate.id) is None
    assert (await world.call(ledger.list_, ListEntries(event=EntryEvent.APPROVAL))).items[0].decision == "denied"


@pytest.mark.parametrize("second", [Approve, Reject])
async def test_a_settled_gate_takes_no_further_decision(world: World, second: type[Approve] | type[Reject]) -> None:
    gate = await opened(world)
    await world.call(approvals.approve, Approve(approval_id=gate.id))
    function: Any = approvals.approve if second is Approve else approvals.reject
    with pytest.raises(InterlockError) as refused:
        await world.call(function, second(approval_id=gate.id))
    assert refused.value.kind is Kind.CONFLICT
    assert refused.value.data["status"] == "approved"
    assert len(world.heard(ApprovalDecided)) == 1


async def test_two_reviewers_at_once_yield_one_decision(either_world: World) -> None:
    world = either_world
    for _ in range(5):
        gate = await opened(world)
        world.news.clear()
        outcomes = await asyncio.gather(
            *(world.call_as(user(), approvals.approve, Approve(approval_id=gate.id)) for _ in range(3)),
            *(world.call_as(user(), approvals.reject, Reject(approval_id=gate.id)) for _ in range(3)),
            return_exceptions=True,
        )
        winners = [outcome for outcome in outcomes if isinstance(outcome, Approval)]
        losers = [outcome for outcome in outcomes if isinstance(outcome, InterlockError)]
        assert len(winners) == 1
        assert [error.kind for error in losers] == [Kind.CONFLICT] * 5
        settled = await read(world, gate.id)
        assert (settled.status, settled.reviewer_id) == (winners[0].status, winners[0].reviewer_id)
        assert [news.status for news in world.heard(ApprovalDecided)] == [settled.status]


@pytest.mark.parametrize(
    "actor", [Actor(ActorKind.CLIENT, UserId.new(), "desk"), Actor(ActorKind.AGENT, UserId.new(), "bot"), SYSTEM]
)
async def test_programs_under_governance_never_decide(world: World, actor: Actor) -> None:
    gate = await opened(world)
    for function, command in (
        (approvals.approve, Approve(approval_id=gate.id)),
        (approvals.reject, Reject(approval_id=gate.id)),
    ):
        decide: Any = function
        with pytest.raises(InterlockError) as refused:
            await world.call_as(actor, decide, command)
        assert refused.value.kind is Kind.FORBIDDEN
    assert (await read(world, gate.id)).status is ApprovalStatus.PENDING


async def test_strangers_are_turned_away(world: World) -> None:
    gate = await opened(world)
    with pytest.raises(InterlockError) as refused:
        await world.call_as(ANONYMOUS, approvals.approve, Approve(approval_id=gate.id))
    assert refused.value.kind in {Kind.UNAUTHENTICATED, Kind.FORBIDDEN}


async def test_an_api_key_decides_in_its_owners_name(world: World) -> None:
    gate = await opened(world)
    owner = UserId.new()
    key = Actor(ActorKind.KEY, TypedId.new(), "ci", owner)
    assert (await world.call_as(key, approvals.approve, Approve(approval_id=gate.id))).reviewer_id == owner


async def test_another_workspace_does_not_see_it(world: World) -> None:
    gate = await opened(world)
    async with (await world.elsewhere()).begin() as other:
        assert (await approvals.list_(other, ListApprovals())).items == ()
        for attempt in (
            approvals.get(other, ApprovalRef(approval_id=gate.id)),
            approvals.approve(other, Approve(approval_id=gate.id)),
            approvals.payload(other, gate.id),
        ):
            with pytest.raises(InterlockError) as absent:
                await attempt
            assert absent.value.kind is Kind.NOT_FOUND


@pytest.mark.parametrize(
    ("edit", "field"),
    [
        ("not an object", "edited_output"),
        ([1], "edited_output"),
        ({"amount": "much"}, "edited_output.amount"),
        ({"card": "x"}, "edited_output"),
        ({"amount": 1, "surprise": 2}, "edited_output"),
    ],
)
async def test_an_edit_that_does_not_fit_the_tool_is_refused_and_the_gate_stays_open(
    world: World, edit: Any, field: str
) -> None:
    gate = await opened(world)
    with pytest.raises(InterlockError) as refused:
        await world.call(approvals.approve, Approve(approval_id=gate.id, edited_output=edit))
    assert (refused.value.kind, refused.value.data["field"]) == (Kind.INVALID, field)
    assert (await read(world, gate.id)).status is ApprovalStatus.PENDING


async def test_an_edited_call_keeps_both_hashes_and_names_the_editor(world: World) -> None:
    gate = await opened(world)
    edit: dict[str, Any] = {"amount": 100, "card": "5555555555554444"}
    decided = await world.call(approvals.approve, Approve(approval_id=gate.id, edited_output=edit))
    assert decided.edited_output == edit
    edited_hash = world.runtime.secrets.keyed_digest(edit)
    assert edited_hash != digest(edit)
    assert (decided.args_hash, decided.edited_hash) == (world.runtime.secrets.keyed_digest(RAW), edited_hash)
    assert decided.reviewer_id is not None
    [entry] = (await world.call(ledger.list_, ListEntries(event=EntryEvent.APPROVAL))).items
    assert entry.edited_hash == edited_hash
    assert "5555555555554444" not in entry.model_dump_json()
    async with world.ctx.begin() as unit:
        await approvals.destroy_payload(unit, gate.id)
    after = await read(world, gate.id)
    assert (after.edited_output, after.edited_hash) == (None, edited_hash)
    assert await payload_of(world, gate.id) is None


@pytest.mark.parametrize("kind", [ApprovalKind.WORKFLOW_GATE, ApprovalKind.CHECK])
async def test_elsewhere_an_edit_may_be_any_value_and_is_shown(world: World, kind: ApprovalKind) -> None:
    gate = await opened(world, kind, schema=None)
    await world.call(approvals.approve, Approve(approval_id=gate.id, edited_output="a better text"))
    async with world.ctx.begin() as unit:
        await approvals.destroy_payload(unit, gate.id)
    assert (await read(world, gate.id)).edited_output == "a better text"


async def test_a_gate_nobody_decides_expires_and_means_denied(world: World) -> None:
    gate = await opened(world)
    world.clock.advance(timedelta(hours=23, minutes=59))
    await jobs.expire_one(world.ctx, ExpireApproval(approval_id=gate.id))
    assert (await read(world, gate.id)).status is ApprovalStatus.PENDING
    world.clock.advance(timedelta(minutes=1))
    seen = await read(world, gate.id)
    assert (seen.status, seen.decision) == (ApprovalStatus.EXPIRED, Decision.DENIED)
    assert (await world.call(approvals.list_, ListApprovals(status=ApprovalStatus.PENDING))).items == ()
    with pytest.raises(InterlockError) as late:
        await world.call(approvals.approve, Approve(approval_id=gate.id))
    assert (late.value.kind, late.value.data["status"]) == (Kind.CONFLICT, "expired")

    system = world.ctx.acting_as(SYSTEM, world.ctx.scopes)
    await jobs.expire_one(system, ExpireApproval(approval_id=gate.id))
    await jobs.expire_one(system, ExpireApproval(approval_id=gate.id))
    [news] = world.heard(ApprovalDecided)
    assert news.status is ApprovalStatus.EXPIRED
    assert (await read(world, gate.id)).decided_at == gate.expires_at
    assert await payload_of(world, gate.id) is None
    [entry] = (await world.call(ledger.list_, ListEntries(event=EntryEvent.APPROVAL))).items
    assert (entry.decision, entry.reviewer) == ("denied", None)


async def test_a_start_expires_what_became_overdue_in_every_workspace(world: World) -> None:
    mine = await opened(world)
    elsewhere = World(world.runtime, world.clock, await world.elsewhere(), world.news)
    theirs = await opened(elsewhere)
    world.clock.advance(timedelta(hours=25))
    fresh = await opened(world)
    assert await jobs.expire_overdue(world.ctx.acting_as(SYSTEM, world.ctx.scopes)) == 2
    assert {news.approval_id for news in world.heard(ApprovalDecided)} == {mine.id, theirs.id}
    assert (await read(world, fresh.id)).status is ApprovalStatus.PENDING


async def test_the_clerk_is_ordered_when_a_gate_opens(world: World) -> None:
    gate = await opened(world)
    world.clock.advance(timedelta(hours=24))
    settled = asyncio.Event()
    world.on_news = lambda event: settled.set() if isinstance(event, ApprovalDecided) else None
    worker = asyncio.create_task(world.runtime.jobs.run(world.runtime))
    async with asyncio.timeout(10):
        await settled.wait()
    await world.runtime.jobs.stop()
    await worker
    assert (await read(world, gate.id)).status is ApprovalStatus.EXPIRED


async def test_withdrawing_closes_an_open_gate_only(world: World) -> None:
    open_one, decided = await opened(world), await opened(world)
    await world.call(approvals.approve, Approve(approval_id=decided.id))
    async with world.ctx.begin() as unit:
        assert await approvals.withdraw(unit, open_one.id)
        assert not await approvals.withdraw(unit, decided.id)
    assert (await read(world, open_one.id)).status is ApprovalStatus.WITHDRAWN
    assert (await read(world, decided.id)).status is ApprovalStatus.APPROVED


async def test_the_result_of_the_released_call_is_kept_for_whoever_polls(world: World) -> None:
    gate = await opened(world)
    await world.call(approvals.approve, Approve(approval_id=gate.id))
    async with world.ctx.begin() as unit:
        await approvals.attach_result(unit, gate.id, {"ok": True, "refund": "re_1"})
    assert (await read(world, gate.id)).result == {"ok": True, "refund": "re_1"}


async def test_lists_filter_by_status_kind_and_run(world: World) -> None:
    run = TypedId.new()
    first, second = await opened(world, run_id=run), await opened(world, ApprovalKind.CHECK)
    await world.call(approvals.reject, Reject(approval_id=second.id))

    async def listed(**filters: Any) -> list[ApprovalId]:
        return [item.id for item in (await world.call(approvals.list_, ListApprovals(**filters))).items]

    assert await listed() == [second.id, first.id]
    assert await listed(status="pending") == [first.id]
    assert await listed(kind="check") == [second.id]
    assert await listed(run_id=run) == [first.id]


async def test_decisions_and_withdrawals_that_cross_do_not_lock_each_other(either_world: World) -> None:
    """A cancelled run closes its gates one by one while people decide the same gates."""
    world = either_world
    gates = [await opened(world) for _ in range(6)]

    async def withdraw_all() -> int:
        async with world.ctx.begin() as unit:
            return sum([await approvals.withdraw(unit, gate.id) for gate in gates])

    async with asyncio.timeout(20):
        withdrawn, *decided = await asyncio.gather(
            withdraw_all(),
            *(world.call_as(user(), approvals.approve, Approve(approval_id=gate.id)) for gate in reversed(gates)),
            return_exceptions=True,
        )
    approved = [outcome for outcome in decided if isinstance(outcome, Approval)]
    assert withdrawn == len(gates) - len(approved)
    refused = [outcome for outcome in decided if isinstance(outcome, InterlockError)]
    assert {error.kind for error in refused} <= {Kind.CONFLICT}
    assert len(approved) + len(refused) == len(gates)
