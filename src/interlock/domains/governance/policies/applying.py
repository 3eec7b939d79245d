"""Which policies stand over a caller's tools, before any call is made: the compiled rules, asked about names alone."""

from collections.abc import Iterable

from interlock.domains.governance.policies.config import ApprovalConfig, CostConfig
from interlock.domains.governance.policies.rules import Rule, Rules
from interlock.domains.governance.policies.views import (
    ApplyingPolicy,
    Caller,
    Standing,
    ToolStanding,
    ToolTerms,
)


def standing(rules: Rules, caller: Caller, tools: Iterable[tuple[str, ToolTerms]], model: str) -> Standing:
    """What would be asked about each tool, in the order of judgement, and about what the model says."""
    return Standing(
        tools=tuple(_over_tool(rules, caller, name, facts) for name, facts in tools),
        output=tuple(
            _applying(rule, "when what the model says contains it")
            for rule in rules.content
            if rule.covers_tool(model) and rule.covers_caller(caller)
        ),
    )


def _over_tool(rules: Rules, caller: Caller, name: str, facts: ToolTerms) -> ToolStanding:
    asked = [rule for rule in rules.for_tool(name) if rule.covers_caller(caller)]
    return ToolStanding(
        tool=name,
        requires_approval=facts.requires_approval,
        risk=facts.risk,
        policies=tuple(_applying(rule, when) for rule in asked if (when := _condition(rule, facts)) is not None),
    )


def _applying(rule: Rule, condition: str) -> ApplyingPolicy:
    match = rule.matched("")
    return ApplyingPolicy(
        policy_id=match.policy_id,
        name=match.name,
        type=match.type,
        mode=match.mode,
        would=match.would,
        condition=condition,
    )


def _condition(rule: Rule, facts: ToolTerms) -> str | None:
    """When it fires, in words; empty for every call, None for a rule that can never fire on this tool."""
    when: list[str] = []
    if isinstance(rule.config, ApprovalConfig):
        if rule.config.min_risk is not None and facts.risk.rank < rule.config.min_risk.rank:
            return None
        if rule.config.min_cost is not None:
            when.append(f"the call is estimated at ${rule.config.min_cost.normalize():f} or more")
    elif isinstance(rule.config, CostConfig):
        caps = ", ".join(f"${cap.normalize():f} per {level}" for level, cap in rule.config.caps.items())
        when.append(f"a cap is reached ({caps})")
    elif rule.masker is not None:
        when.append("the arguments carry personal data")
    named = rule.policy.match.resources
    when += [f"'{name}' is one of {', '.join(globs)}" for name, globs in named.items()]
    return f"when {' and '.join(when)}" if when else ""
