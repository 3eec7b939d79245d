"""What tests of checks say in one word: ask, report, make a rule, approve, look at evidence and money."""

from decimal import Decimal
from typing import Any

import pytest

from interlock.domains.governance.approvals import service as approvals
from interlock.domains.governance.approvals.service import Approve
from interlock.domains.governance.approvals.views import Approval, ApprovalId
from interlock.domains.governance.budgets import service as budgets
from interlock.domains.governance.checks import service as checks
from interlock.domains.governance.checks.service import CheckAction, RecordOutcome
from interlock.domains.governance.checks.views import CheckId, CheckVerdict, OutcomeReceipt
from interlock.domains.governance.ledger import service as ledger
from interlock.domains.governance.ledger.service import ListEntries
from interlock.domains.governance.ledger.views import EntryEvent, LedgerEntry
from interlock.domains.governance.policies import service as policies
from interlock.domains.governance.policies.service import CreatePolicy
from interlock.domains.governance.policies.views import Policy
from interlock.kit.errors import InterlockError, Kind
from interlock.kit.operations import Nothing
from tests.domains.governance.world import World


async def check(world: World, tool: str = "crm.create_contact", **rest: Any) -> CheckVerdict:
    return await world.call(checks.check_action, CheckAction(tool=tool, **rest))


async def report(world: World, check_id: CheckId | str, outcome: str = "success", **rest: Any) -> OutcomeReceipt:
    values = {"tool": "crm.create_contact", "check_id": check_id, "outcome": outcome, **rest}
    return await world.call(checks.record_outcome, RecordOutcome.model_validate(values))


async def rule(
    world: World, kind: str = "approval", mode: str = "pause", config: dict[str, Any] | None = None, **rest: Any
) -> Policy:
    values = {"name": f"{kind} {mode}", "type": kind, "mode": mode, "config": config or {}, **rest}
    return await world.call(policies.create, CreatePolicy.model_validate(values))


async def gate_of(verdict: CheckVerdict) -> ApprovalId:
    assert verdict.escalation_id is not None
    return ApprovalId.parse(verdict.escalation_id)


async def approve(world: World, verdict: CheckVerdict) -> Approval:
    return await world.call(approvals.approve, Approve(approval_id=await gate_of(verdict)))


async def entries(world: World, event: EntryEvent = EntryEvent.CHECK) -> list[LedgerEntry]:
    return list((await world.call(ledger.list_, ListEntries(event=event, limit=200))).items)


async def reserved(world: World) -> Decimal:
    async with world.ctx.begin(write=False) as unit:
        return (await budgets.headroom(unit)).month.reserved


async def spent(world: World) -> Decimal:
    return (await world.call(budgets.get, Nothing())).monthly_spent


def refused(kind: Kind) -> Any:
    return pytest.raises(InterlockError, check=lambda error: error.kind is kind)
