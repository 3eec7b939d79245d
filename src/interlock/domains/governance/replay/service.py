"""The dry run of a policy over what was decided lately: which verdicts would have been others, and why."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, TypeAlias

from pydantic import Field

from interlock.domains.governance.known_tools import known_tools
from interlock.domains.governance.ledger import service as ledger
from interlock.domains.governance.ledger.views import EntryId, LedgerEntry
from interlock.domains.governance.policies import service as policies
from interlock.domains.governance.policies.rules import Rule
from interlock.domains.governance.policies.service import CreatePolicy
from interlock.domains.governance.policies.views import Decision, PolicyId
from interlock.domains.governance.replay.judging import Basis, Change, is_judged
from interlock.domains.governance.replay.judging import replay as replay_one
from interlock.kit.canonical import digest
from interlock.kit.errors import invalid
from interlock.kit.operations import Command, View, operation
from interlock.runtime.context import Ctx, Runtime

_USUAL, _MOST = 100, 500
_NO_ARGUMENTS = digest({})

ArgumentsOf: TypeAlias = Callable[[Ctx, frozenset[str]], Awaitable[Mapping[str, dict[str, Any]]]]
"""From hashes of arguments, as evidence has them, to what is still known of them: masked, and never the sealed form."""


@dataclass(slots=True)
class _Sources:
    """Who keeps arguments, told by the domains that do."""

    known: list[ArgumentsOf] = field(default_factory=list)


def tell(runtime: Runtime, *sources: ArgumentsOf) -> None:
    """Hand down where arguments of past calls are kept; called once by the composition root."""
    runtime.local(_Sources).known.extend(sources)


class ReplayPolicy(Command):
    """A policy as it would be: a new one, another form of `policy_id`, or none in the place of `policy_id`."""

    policy: CreatePolicy | None = None
    policy_id: PolicyId | None = None
    last: Annotated[int, Field(ge=1, le=_MOST, description="How many decisions to look back.")] = _USUAL


class ReplayedDecision(View):
    """A decision on record, and what it would have been; `would_be` is None where nobody can say, `why` tells."""

    entry_id: EntryId
    sequence: int
    at: datetime
    tool: str
    caller: str
    was: Decision
    reason: str | None
    would_be: Decision | None
    changed: bool
    why: str
    basis: Basis


class Replay(View):
    """What the change would have meant, the newest decision first.

    Args:
        unknown: how many decisions cannot be judged again.
        note: what this dry run cannot tell, if there is such a thing.
    """

    decisions: tuple[ReplayedDecision, ...]
    changed: int
    unknown: int
    note: str | None


@operation("policies.replay")
async def replay(ctx: Ctx, command: ReplayPolicy) -> Replay:
    """Show which of the last decisions a new or changed policy would have turned, without changing anything."""
    change = await _change(ctx, command)
    entries = [entry for entry in await ledger.recent_decisions(ctx, command.last) if is_judged(entry)]
    arguments = await _arguments(ctx, entries)
    tools = known_tools(ctx.runtime)
    decisions = []
    for entry in entries[: command.last]:
        facts = tools.facts(entry.tool or "", ctx.workspace_id)
        told = replay_one(entry, arguments.get(entry.args_hash or ""), change, facts)
        was = Decision(entry.decision or Decision.DENIED)
        decisions.append(
            ReplayedDecision(
                entry_id=entry.id,
                sequence=entry.sequence,
                at=entry.at,
                tool=entry.tool or "",
                caller=entry.caller_label,
                was=was,
                reason=entry.reason,
                would_be=told.decision,
                changed=told.decision is not None and told.decision is not was,
                why=told.why,
                basis=told.basis,
            )
        )
    return Replay(
        decisions=tuple(decisions),
        changed=sum(decision.changed for decision in decisions),
        unknown=sum(decision.would_be is None for decision in decisions),
        note=_note(change),
    )


async def _change(ctx: Ctx, command: ReplayPolicy) -> Change:
    if command.policy is None and command.policy_id is None:
        raise invalid("Give a policy, or the policy_id of one that would be retired.", field="policy")
    current = None
    if command.policy_id is not None:
        current = await policies.get(ctx, policies.PolicyRef(policy_id=command.policy_id))
        if command.policy is not None and command.policy.type is not current.type:
            raise invalid("A policy keeps its type for good.", field="policy.type", hint="Make another policy.")
    if command.policy is None:
        return Change(None, current)
    proposed = policies.proposed(ctx, command.policy)  # also where it would be off: a wrong one is told
    return Change(Rule(proposed) if proposed.enabled else None, current)


async def _arguments(ctx: Ctx, entries: list[LedgerEntry]) -> dict[str, dict[str, Any]]:
    wanted = frozenset(entry.args_hash for entry in entries if entry.args_hash) - {_NO_ARGUMENTS}
    found: dict[str, dict[str, Any]] = {_NO_ARGUMENTS: {}}
    for source in ctx.runtime.local(_Sources).known:
        found.update(await source(ctx, wanted))
    return found


def _note(change: Change) -> str | None:
    if change.rule is not None and change.rule.screener is not None:
        return "A content policy judges what models say; that is not kept, so no past decision can tell what it does."
    return None
