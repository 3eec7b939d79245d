"""The two calls of programs that act themselves: ask for a verdict, report what became of it."""

from interlock.domains.governance.checks import repository
from interlock.domains.governance.checks.asking import agent_key, answer_again, answer_new, claim
from interlock.domains.governance.checks.command import CheckAction, RecordOutcome
from interlock.domains.governance.checks.reporting import report, report_alone
from interlock.domains.governance.checks.views import CheckId, CheckVerdict, OutcomeReceipt
from interlock.domains.governance.known_tools import KnownTools, known_tools
from interlock.domains.governance.policies.views import ToolScope
from interlock.kit.operations import Audit, Effect, operation
from interlock.runtime.context import Ctx

__all__ = ["CheckAction", "KnownTools", "RecordOutcome", "agent_key", "known_tools"]


@operation("checks.check_action", effect=Effect.WRITE, audit=Audit.LEDGER)
async def check_action(ctx: Ctx, command: CheckAction) -> CheckVerdict:
    """Ask whether an action that you will take yourself is allowed; nothing is executed."""
    return await check_within(ctx, command, None)


async def check_within(ctx: Ctx, command: CheckAction, scope: ToolScope | None) -> CheckVerdict:
    """Answer a check of a caller who is held to a scope, inside the unit of work of its own operation."""
    check_id = CheckId.new()
    if command.idempotency_key is not None and not await repository.add(ctx, claim(ctx, command, check_id)):
        return await answer_again(ctx, command)
    return await answer_new(ctx, command, check_id, scope)


@operation("checks.record_outcome", effect=Effect.WRITE, audit=Audit.LEDGER)
async def record_outcome(ctx: Ctx, command: RecordOutcome) -> OutcomeReceipt:
    """Report what became of an action, and get a signed proof that it is on record."""
    if command.check_id is None:
        return await report_alone(ctx, command)
    return await report(ctx, command, command.check_id)
