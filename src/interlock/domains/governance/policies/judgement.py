"""The second stage of the pipeline, as a pure function: the caller's scope, every matching policy, then forced gates.

Block beats pause beats alert beats log, and every match is recorded. Alert and log never change the verdict.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from interlock.domains.governance.budgets.views import Headroom, Spend
from interlock.domains.governance.policies.config import ApprovalConfig, CostConfig
from interlock.domains.governance.policies.globs import Globs, ToolGlobs
from interlock.domains.governance.policies.masking import Masked, Masker
from interlock.domains.governance.policies.resources import Touched
from interlock.domains.governance.policies.rules import Rule, Rules
from interlock.domains.governance.policies.spending import account_cap_reached, policy_cap_reached
from interlock.domains.governance.policies.states import PolicyMode
from interlock.domains.governance.policies.views import (
    BUDGET_EXHAUSTED,
    Attempt,
    Decision,
    Effect,
    MatchedPolicy,
    PolicyId,
    PolicyType,
    RiskLevel,
    ToolScope,
    Verdict,
)

_SHOWN_GLOBS = 5


@dataclass(frozen=True, slots=True)
class Spending:
    """What money has gone where, as far as this attempt's policies ask.

    Args:
        by_policy: per cost policy with a scope cap, this period's spending of the tools it covers.
    """

    room: Headroom
    by_policy: Mapping[PolicyId, Spend] = field(default_factory=dict)


@dataclass(slots=True)
class _Findings:
    """What judging has gathered so far."""

    arguments: dict[str, Any]
    recorded: dict[str, Any]
    matched: list[MatchedPolicy] = field(default_factory=list)
    refusals: list[MatchedPolicy] = field(default_factory=list)
    holds: list[MatchedPolicy] = field(default_factory=list)
    masked: dict[Masker, Masked] = field(default_factory=dict)
    masked_fields: dict[str, None] = field(default_factory=dict)
    controls: dict[str, None] = field(default_factory=dict)
    hold_reason: str | None = None


def judge_attempt(rules: Rules, attempt: Attempt, spending: Spending | None) -> Verdict:
    """The verdict on an attempt under these rules."""
    shown = attempt.arguments if attempt.shown is None else attempt.shown
    found = _Findings(attempt.arguments, shown, masked_fields=dict.fromkeys(attempt.concealed))
    touched = Touched(attempt.arguments)
    for rule in rules.for_tool(attempt.tool):
        if rule.covers(attempt.caller, touched):
            _apply(rule, attempt, spending, found)
    decision, reason, policy_id = _decide(attempt, spending, found)
    return Verdict(
        decision=decision,
        reason=reason,
        policy_id=policy_id,
        matched=tuple(found.matched),
        arguments=found.arguments,
        recorded=found.recorded,
        masked_fields=tuple(found.masked_fields),
        controls=tuple(found.controls),
        alerts=tuple(match for match in found.matched if match.mode is PolicyMode.ALERT),
    )


def match_of(rule: Rule, attempt: Attempt) -> MatchedPolicy | None:
    """Whether one rule fires over a call of a tool and caller that it covers, with no regard to money."""
    if not rule.covers_resources(Touched(attempt.arguments)):
        return None
    found = _Findings(attempt.arguments, attempt.arguments)
    _apply(rule, attempt, None, found)
    return found.matched[0] if found.matched else None


def _apply(rule: Rule, attempt: Attempt, spending: Spending | None, found: _Findings) -> None:
    """See whether a rule fires, and note what follows from it."""
    detail = ""
    if isinstance(rule.config, ApprovalConfig):
        if not _asks_for_approval(rule.config, attempt):
            return
        detail = rule.config.reason or ""
    elif isinstance(rule.config, CostConfig):
        if spending is None:
            return
        scope = spending.by_policy.get(rule.policy.id)
        reached = policy_cap_reached(rule.config, spending.room, attempt.cost_estimate, scope)
        if reached is None:
            return
        detail = reached
    elif rule.masker is not None:
        fields = _mask(rule, attempt, found)
        if not fields:
            return
        detail = "personal data in " + ", ".join(fields[:_SHOWN_GLOBS])
    elif rule.labels:
        found.controls.update(dict.fromkeys(rule.labels))
    match = rule.matched(detail)
    found.matched.append(match)
    if match.would is Effect.DENY and rule.mode is PolicyMode.BLOCK:
        found.refusals.append(match)
    elif rule.mode is PolicyMode.PAUSE and not attempt.approved:
        found.holds.append(match)


def _asks_for_approval(config: ApprovalConfig, attempt: Attempt) -> bool:
    """An approval policy's conditions narrow it; without any it always asks."""
    if config.min_risk is not None and attempt.risk.rank < config.min_risk.rank:
        return False
    return config.min_cost is None or attempt.cost_estimate >= config.min_cost


def _mask(rule: Rule, attempt: Attempt, found: _Findings) -> list[str]:
    """Mask what evidence may see, and where the policy is enforced also what the adapter may see; returns where."""
    if rule.masker is None:
        return []
    masked = found.masked.get(rule.masker)
    if masked is None:
        masked = found.masked[rule.masker] = rule.masker.apply(attempt.arguments)
    if not masked.fields:
        return masked.fields
    found.masked_fields.update(dict.fromkeys(masked.fields))
    untouched = found.recorded is attempt.arguments
    recorded = masked.arguments if untouched else rule.masker.apply(found.recorded).arguments
    if rule.mode is not PolicyMode.LOG:
        alike = found.arguments is found.recorded
        found.arguments = recorded if alike else rule.masker.apply(found.arguments).arguments
    found.recorded = recorded
    return masked.fields


def _decide(attempt: Attempt, spending: Spending | None, found: _Findings) -> tuple[Decision, str, PolicyId | None]:
    """Scope, refusals, the account's caps, holds, forced gates; in this order the first that speaks decides."""
    masked = found.recorded is not attempt.arguments
    outside = outside_scope(attempt.scope, attempt.tool, attempt.arguments, quote=not masked)
    if outside is not None:
        return Decision.DENIED, outside, None
    if found.refusals:
        first = found.refusals[0]
        reason = BUDGET_EXHAUSTED if first.type is PolicyType.COST else _because("Refused", first)
        return Decision.DENIED, reason, first.policy_id
    if spending is not None and account_cap_reached(spending.room, attempt.cost_estimate) is not None:
        return Decision.DENIED, BUDGET_EXHAUSTED, None
    if found.holds:
        return Decision.ESCALATED, _because("A person must agree:", found.holds[0]), found.holds[0].policy_id
    forced = None if attempt.approved else _forced_gate(attempt)
    if forced is not None:
        return Decision.ESCALATED, forced, None
    return Decision.AUTHORIZED, _welcome(attempt), None


def _because(lead: str, match: MatchedPolicy) -> str:
    detail = f": {match.detail.rstrip('.')}" if match.detail else ""
    return f"{lead} {'by ' if lead == 'Refused' else ''}policy '{match.name}'{detail}."


def _forced_gate(attempt: Attempt) -> str | None:
    """Gates that no scope and no missing policy can open."""
    if attempt.requires_approval:
        return f"Tool '{attempt.tool}' always needs a person's approval."
    if attempt.caller.risk is RiskLevel.CRITICAL:
        return f"Caller '{attempt.caller.label}' is at critical risk, so a person must agree."
    if attempt.caller.risk is RiskLevel.HIGH and attempt.risk.rank >= RiskLevel.HIGH.rank:
        return f"Caller '{attempt.caller.label}' is at high risk and '{attempt.tool}' sensitive: a person must agree."
    return None


def _welcome(attempt: Attempt) -> str:
    if attempt.approved:
        return "Approved by a person, and no policy objects."
    if attempt.scope is not None and attempt.scope.tools is not None:
        covering = next(glob for glob in attempt.scope.tools if ToolGlobs((glob,)).matches(attempt.tool))
        return f"Within scope '{covering}', and no policy objects."
    return "No policy objects."


def outside_scope(scope: ToolScope | None, tool: str, arguments: dict[str, Any], *, quote: bool = True) -> str | None:
    """Why a call lies outside a caller's scope; None when it lies within.

    A resource pattern speaks about calls that name such a resource; a call without that argument touches none.

    Args:
        quote: whether the reason may show the offending value; not where it may be personal data.
    """
    if scope is None:
        return None
    if scope.tools is not None and not ToolGlobs(scope.tools).matches(tool):
        return f"Outside the caller's scope: tool '{tool}' is none of {_shown(scope.tools)}."
    touched = Touched(arguments)
    for name, globs in scope.resources.items():
        allowed = Globs(glob.lstrip("#") for glob in globs)
        for value in touched.each(name):
            if not allowed.matches(value):
                shown = f"'{value[:100]}' " if quote else ""
                return f"Outside the caller's scope: {name} {shown}matches none of {_shown(globs)}."
    return None


def _shown(globs: tuple[str, ...]) -> str:
    shown = ", ".join(globs[:_SHOWN_GLOBS]) or "(nothing)"
    return shown if len(globs) <= _SHOWN_GLOBS else f"{shown}, …"
