"""Money around a call: the worst likely cost is held before it, the real cost is booked after it, once."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from interlock.domains.governance.budgets import service as budgets
from interlock.domains.governance.budgets.service import Reserve, Settle
from interlock.domains.governance.budgets.views import ReservationId, UsageKind
from interlock.domains.llm.routing import Target
from interlock.domains.llm.views import TokenUsage
from interlock.kit.ids import AgentId, RunId
from interlock.kit.money import ZERO
from interlock.runtime.context import Ctx

# What a reply is assumed to hold when the caller sets no limit: the hold must be likely, not the model's maximum.
ASSUMED_OUTPUT = 1024
CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a call is for, as the money ledger tells it.

    Args:
        reference: unique per call; booking the same reference twice books once.
    """

    reference: str
    kind: UsageKind = UsageKind.CHAT
    run_id: RunId | None = None
    agent_id: AgentId | None = None
    run_cap: Decimal | None = None


def estimated_tokens(characters: int) -> int:
    """A guess at tokens from text length; English averages four characters a token."""
    return characters // CHARACTERS_PER_TOKEN + 1


def worst_cost(targets: Sequence[Target], input_tokens: int, max_tokens: int | None, now: datetime) -> Decimal:
    """The highest price among the targets; a target without a known price adds nothing."""
    usage = TokenUsage(input_tokens=input_tokens, output_tokens=max_tokens or ASSUMED_OUTPUT, estimated=True)
    return max((target.pricing.cost(usage, now) or ZERO for target in targets), default=ZERO)


async def hold(ctx: Ctx, purpose: Purpose, amount: Decimal) -> ReservationId:
    """Reserve an amount in a unit of work of its own.

    Raises:
        InterlockError: BUDGET_EXCEEDED, naming the cap.
    """
    command = Reserve(
        amount=amount, kind=purpose.kind, run_id=purpose.run_id, agent_id=purpose.agent_id, run_cap=purpose.run_cap
    )
    async with ctx.begin() as unit:
        return (await budgets.reserve(unit, command)).id


async def book(
    ctx: Ctx, purpose: Purpose, reservation: ReservationId, target: Target, usage: TokenUsage
) -> Decimal | None:
    """Book what a call cost, and give back what was held for it; None means that the price is unknown.

    Goes on when the caller is cancelled: what was bought is paid for.
    """
    cost = target.pricing.cost(usage, ctx.now)
    command = Settle(
        reservation_id=reservation,
        kind=purpose.kind,
        cost=cost,
        run_id=purpose.run_id,
        agent_id=purpose.agent_id,
        model=target.model,
        provider=target.upstream.name,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cached_tokens=usage.cached_tokens,
        reference=purpose.reference,
    )
    await asyncio.shield(asyncio.create_task(_settle(ctx, command), name=f"book {purpose.reference}"))
    return cost


async def give_back(ctx: Ctx, reservation: ReservationId) -> None:
    """Release what was held: nothing was bought. Goes on when the caller is cancelled."""
    await asyncio.shield(asyncio.create_task(_release(ctx, reservation), name=f"release {reservation}"))


async def _settle(ctx: Ctx, command: Settle) -> None:
    async with ctx.begin() as unit:
        await budgets.settle(unit, command)


async def _release(ctx: Ctx, reservation: ReservationId) -> None:
    async with ctx.begin() as unit:
        await budgets.release(unit, reservation)
