"""What a policy would have done to a decision that is on record; pure.

Only the one policy differs: what all others did is taken from the evidence, so that nothing but the change is judged.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from interlock.domains.governance.known_tools import ToolFacts
from interlock.domains.governance.ledger.views import EntryEvent, LedgerEntry
from interlock.domains.governance.policies.config import CostConfig
from interlock.domains.governance.policies.judgement import match_of
from interlock.domains.governance.policies.rules import Rule
from interlock.domains.governance.policies.states import PolicyMode
from interlock.domains.governance.policies.views import Attempt, Caller, Decision, Effect, MatchedPolicy, Policy
from interlock.kit.money import exact


class Basis(StrEnum):
    """What a replayed decision rests on."""

    RECORD = "record"
    """The policy's own match is in the evidence, because only its mode changes."""
    FACTS = "facts"
    """Tool, caller, risk and estimate, which the evidence holds."""
    ARGUMENTS = "arguments"
    MASKED_ARGUMENTS = "masked_arguments"
    NO_ARGUMENTS = "no_arguments"


@dataclass(frozen=True, slots=True)
class Change:
    """The policy as it would be, and as it is.

    Args:
        rule: None where it would be retired or switched off.
        current: None where it is a new one.
    """

    rule: Rule | None
    current: Policy | None

    @property
    def only_mode_differs(self) -> bool:
        """Whether it would apply to exactly the calls it applies to now."""
        if self.rule is None or self.current is None or not self.current.enabled:
            return False
        new = self.rule.policy
        return (new.match, new.config) == (self.current.match, self.current.config)


@dataclass(frozen=True, slots=True)
class Replayed:
    """What would have become of a decision; `decision` is None where nobody can say."""

    decision: Decision | None
    why: str
    basis: Basis


@dataclass(frozen=True, slots=True)
class _Applies:
    """Whether the changed policy applies: a match, none, or unknown with the reason in words."""

    match: MatchedPolicy | None
    basis: Basis
    unknown: str | None = None


def replay(entry: LedgerEntry, arguments: Mapping[str, Any] | None, change: Change, facts: ToolFacts) -> Replayed:
    """Decide again what is on record, with one policy changed.

    Args:
        arguments: as evidence may see them; None where nobody kept them.
        facts: what is known of the tool now.
    """
    applies = _applies(entry, arguments, change, facts)
    decision, why = _decided(entry, change, applies.match, facts)
    if applies.unknown is None:
        return Replayed(decision, why, applies.basis)
    if change.rule is not None:
        other, _ = _decided(entry, change, change.rule.matched(""), facts)
        if other is not decision:
            return Replayed(None, applies.unknown, applies.basis)
    return Replayed(decision, f"{why} Whether the policy applies makes no difference.", applies.basis)


def _applies(entry: LedgerEntry, arguments: Mapping[str, Any] | None, change: Change, facts: ToolFacts) -> _Applies:
    rule, tool = change.rule, entry.tool or ""
    if (
        rule is None
        or rule.screener is not None
        or not rule.covers_tool(tool)
        or not rule.covers_names(entry.caller_label, entry.caller_kind.value, entry.caller_id)
    ):
        return _Applies(None, Basis.FACTS)
    if change.only_mode_differs and change.current is not None and change.current.updated_at < entry.at:
        matched = any(match.get("policy_id") == str(change.current.id) for match in entry.matched)
        return _Applies(rule.matched("") if matched else None, Basis.RECORD)
    if isinstance(rule.config, CostConfig):
        return _Applies(None, Basis.FACTS, "What had been spent at that moment is not kept with the decision.")
    if arguments is None and rule.looks_at_arguments:
        return _Applies(None, Basis.NO_ARGUMENTS, "Its arguments were not kept, and the policy looks at them.")
    attempt = Attempt(
        tool,
        dict(arguments or {}),
        Caller(entry.caller_kind, None, entry.caller_label),
        risk=facts.risk,
        cost_estimate=_estimate(entry),
    )
    match = match_of(rule, attempt)
    if not rule.looks_at_arguments:
        return _Applies(match, Basis.FACTS)
    if match is None and entry.masked_fields:
        hidden = ", ".join(entry.masked_fields[:3])
        return _Applies(None, Basis.MASKED_ARGUMENTS, f"It is judged by masked arguments: {hidden} cannot be seen.")
    return _Applies(match, Basis.MASKED_ARGUMENTS if entry.masked_fields else Basis.ARGUMENTS)


def _estimate(entry: LedgerEntry) -> Any:
    """What a check said it would cost; calls of the pipeline bring no estimate."""
    return exact((entry.extra or {}).get("cost_estimate", 0))


def _decided(entry: LedgerEntry, change: Change, match: MatchedPolicy | None, facts: ToolFacts) -> tuple[Decision, str]:
    """The order of judging, over what the evidence tells of all other policies."""
    was = Decision(entry.decision or Decision.DENIED)
    own = None if change.current is None else str(change.current.id)
    others = [other for other in entry.matched if other.get("policy_id") != own]
    agreed = entry.approval_id is not None and was is not Decision.ESCALATED
    if was is Decision.DENIED and entry.policy_id is None:
        return was, f"Refused for a reason that no policy of its own gave: {entry.reason or 'unknown'}."
    if match is not None and match.mode is PolicyMode.BLOCK and match.would is Effect.DENY:
        return Decision.DENIED, _words("Refused by", match.name, match.detail)
    refusing = _first(others, PolicyMode.BLOCK, Effect.DENY)
    if refusing is not None:
        return Decision.DENIED, _words("Refused by", refusing, "")
    if not agreed:
        if match is not None and match.mode is PolicyMode.PAUSE:
            return Decision.ESCALATED, _words("A person is asked by", match.name, match.detail)
        holding = _first(others, PolicyMode.PAUSE, None)
        if holding is not None:
            return Decision.ESCALATED, _words("A person is asked by", holding, "")
        if (was is Decision.ESCALATED and entry.policy_id is None) or facts.requires_approval:
            return Decision.ESCALATED, "A person is asked whatever the policies say."
    if match is not None:
        return Decision.AUTHORIZED, f"Policy '{match.name}' applies and lets it through."
    return Decision.AUTHORIZED, "A person had agreed, and no policy objects." if agreed else "No policy objects."


def _first(matches: list[dict[str, Any]], mode: PolicyMode, would: Effect | None) -> str | None:
    for match in matches:
        if match.get("mode") == mode and (would is None or match.get("would") == would):
            return str(match.get("name"))
    return None


def _words(lead: str, name: str, detail: str) -> str:
    told = f": {detail.rstrip('.')}" if detail else ""
    return f"{lead} policy '{name}'{told}."


def is_judged(entry: LedgerEntry) -> bool:
    """Whether an entry is a verdict of its own: not the end of a held call, whose question is on record by itself."""
    if entry.decision is None or entry.tool is None or (entry.extra or {}).get("late"):
        return False
    if entry.event is EntryEvent.CHECK:
        return True
    ends_a_held_call = entry.approval_id is not None and entry.decision != Decision.ESCALATED
    was_malformed = entry.decision == Decision.DENIED and entry.outcome is not None
    return not ends_a_held_call and not was_malformed
