"""The pure verdict: precedence, scope, forced gates, masking and labels."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.domains.governance.budgets.views import Caps, Headroom, Spend
from interlock.domains.governance.policies.judgement import Spending, judge_attempt
from interlock.domains.governance.policies.rules import Rules
from interlock.domains.governance.policies.screening import screen_text
from interlock.domains.governance.policies.states import PolicyMode
from interlock.domains.governance.policies.views import (
    Attempt,
    Caller,
    Decision,
    Match,
    Policy,
    PolicyId,
    PolicyType,
    RiskLevel,
    ToolScope,
    Verdict,
)
from interlock.runtime.context import ActorKind

NOW = datetime(2026, 8, 31, tzinfo=UTC)
CALLER = Caller(ActorKind.CLIENT, None, "desk")
CARD = "4111 1111 1111 1111"
MODES = [PolicyMode.BLOCK, PolicyMode.PAUSE, PolicyMode.ALERT, PolicyMode.LOG]


def policy(
    kind: str = "approval", mode: str = "block", config: dict[str, Any] | None = None, number: int = 1, **match: Any
) -> Policy:
    return Policy(
        id=PolicyId.new(),
        number=number,
        name=f"{kind}-{mode}-{number}",
        type=PolicyType(kind),
        mode=PolicyMode(mode),
        match=Match(**match),
        config=config or {},
        channels=(),
        enabled=True,
        created_at=NOW,
        updated_at=NOW,
    )


def judged(policies: list[Policy], spending: Spending | None = None, **attempt: Any) -> Verdict:
    values = {"tool": "comms.send_slack_message", "arguments": {}, "caller": CALLER, **attempt}
    return judge_attempt(Rules(1, policies), Attempt(**values), spending)


@given(st.lists(st.sampled_from(MODES), max_size=6), st.booleans())
def test_the_strictest_mode_decides_and_every_match_is_recorded(modes: list[PolicyMode], approved: bool) -> None:
    policies = [policy("approval", mode, number=number) for number, mode in enumerate(modes)]
    verdict = judged(policies, approved=approved)
    if PolicyMode.BLOCK in modes:
        expected = Decision.DENIED
    elif PolicyMode.PAUSE in modes and not approved:
        expected = Decision.ESCALATED
    else:
        expected = Decision.AUTHORIZED
    assert verdict.decision is expected
    assert sorted(match.policy_id for match in verdict.matched) == sorted(item.id for item in policies)
    deciding = {Decision.DENIED: PolicyMode.BLOCK, Decision.ESCALATED: PolicyMode.PAUSE}.get(expected)
    decider = next((item for item in policies if item.id == verdict.policy_id), None)
    assert (None if decider is None else decider.mode) == deciding


@given(st.lists(st.sampled_from([PolicyMode.ALERT, PolicyMode.LOG]), min_size=1, max_size=5))
def test_alert_and_log_change_no_verdict_but_show_what_they_would_have_done(modes: list[PolicyMode]) -> None:
    policies = [policy("approval", mode, number=number) for number, mode in enumerate(modes)]
    verdict = judged(policies)
    assert verdict.decision is judged([]).decision is Decision.AUTHORIZED
    assert [match.would.value for match in verdict.matched] == ["hold"] * len(modes)
    assert len(verdict.alerts) == modes.count(PolicyMode.ALERT)


def test_refusal_names_the_policy() -> None:
    blocking = policy("approval", "block")
    verdict = judged([blocking, policy("approval", "log")])
    assert verdict.policy_id == blocking.id
    assert blocking.name in verdict.reason


@pytest.mark.parametrize(
    ("match", "applies"),
    [
        ({}, True),
        ({"tools": ("comms",)}, True),
        ({"tools": ("*.send_slack_*",)}, True),
        ({"tools": ("COMMS.send_slack_message",)}, True),
        ({"tools": ("crm", "payments")}, False),
        ({"callers": ("desk",)}, True),
        ({"callers": ("mcp_client",)}, True),
        ({"callers": ("other-*",)}, False),
        ({"resources": {"channel": ("#ops-*",)}}, True),
        ({"resources": {"Channels": ("OPS-*",)}}, True),
        ({"resources": {"channel": ("general",)}}, False),
        ({"resources": {"payload.user": ("u1",)}}, True),
        ({"resources": {"recipient": ("*",)}}, False),
        ({"tools": ("comms",), "callers": ("nobody",)}, False),
    ],
)
def test_a_policy_applies_where_every_part_of_its_match_does(match: dict[str, Any], applies: bool) -> None:
    arguments = {"channel": "#ops-deploys", "payload": {"user": "u1"}}
    verdict = judged([policy("approval", "block", **match)], arguments=arguments)
    assert (verdict.decision is Decision.DENIED) is applies


@pytest.mark.parametrize(
    ("scope", "arguments", "refused_for"),
    [
        (ToolScope(), {}, None),
        (ToolScope(("comms",)), {}, None),
        (ToolScope(("comms.*",)), {}, None),
        (ToolScope(("crm", "payments")), {}, "tool 'comms.send_slack_message' is none of crm, payments"),
        (ToolScope(()), {}, "is none of (nothing)"),
        (ToolScope(None, {"channel": ("ops-*",)}), {"channel": "#ops-deploys"}, None),
        (ToolScope(None, {"channel": ("#ops-*",)}), {"channel": "ops-deploys"}, None),
        (ToolScope(None, {"channel": ("ops-*",)}), {"channel": "#general"}, "channel 'general' matches none of ops-*"),
        (ToolScope(None, {"channels": ("ops-*",)}), {"channel": "general"}, "channels 'general' matches none"),
        (ToolScope(None, {"channel": ("ops-*",)}), {"channel": ["ops-1", "general"]}, "'general' matches none"),
        (ToolScope(None, {"channel": ("ops-*",)}), {"Channel": "general"}, "'general' matches none"),
        (ToolScope(None, {"channel": ("ops-*",)}), {"text": "no channel named"}, None),
    ],
)
def test_scope(scope: ToolScope, arguments: dict[str, Any], refused_for: str | None) -> None:
    verdict = judged([], scope=scope, arguments=arguments)
    if refused_for is None:
        assert verdict.decision is Decision.AUTHORIZED
    else:
        assert verdict.decision is Decision.DENIED
        assert refused_for in verdict.reason


@pytest.mark.parametrize(
    ("to", "within"),
    [
        ("a@ours.example", True),
        ("a@ours.example, b@ours.example", True),
        ("Boss <a@ours.example>", True),
        ("evil@other.example, a@ours.example", False),
        ("evil@other.example;a@ours.example", False),
        ("evil@other.example (@ours.example", False),
        ("evil@[192.0.2.1] (@ours.example", False),
        ('"a@ours.example" <evil@other.example>', False),
        (["a@ours.example", "evil@other.example, a@ours.example"], False),
        ("a@ours.example.other.example", False),
    ],
)
def test_no_recipient_hides_behind_another(to: object, within: bool) -> None:
    scope = ToolScope(None, {"to": ("*@ours.example",)})
    verdict = judged([], scope=scope, arguments={"to": to})
    assert (verdict.decision is Decision.AUTHORIZED) is within
    assert judged([], scope=ToolScope(None, {"to": ("*",)}), arguments={"to": to}).decision is Decision.AUTHORIZED


def test_a_policy_sees_every_recipient() -> None:
    rule = policy("approval", "block", resources={"to": ("*@other.example",)})
    for to in ("evil@other.example", "evil@other.example, a@ours.example", "Evil <evil@other.example>"):
        assert judged([rule], arguments={"to": to}).decision is Decision.DENIED
    assert judged([rule], arguments={"to": "a@ours.example"}).decision is Decision.AUTHORIZED


def test_an_approval_does_not_widen_the_scope() -> None:
    assert judged([], scope=ToolScope(("crm",)), approved=True).decision is Decision.DENIED


def test_the_reason_of_a_yes_says_which_scope_matched() -> None:
    assert "'comms'" in judged([], scope=ToolScope(("crm", "comms"))).reason


def test_a_tool_that_requires_approval_is_held_without_any_policy_and_within_scope() -> None:
    verdict = judged([], tool="payments.create_refund", requires_approval=True, scope=ToolScope(("payments",)))
    assert verdict.decision is Decision.ESCALATED
    assert "payments.create_refund" in verdict.reason
    assert judged([], requires_approval=True, approved=True).decision is Decision.AUTHORIZED


@pytest.mark.parametrize(
    ("caller_risk", "tool_risk", "held"),
    [
        ("critical", "low", True),
        ("high", "high", True),
        ("high", "critical", True),
        ("high", "medium", False),
        ("medium", "critical", False),
        ("low", "critical", False),
    ],
)
def test_risky_callers_are_held(caller_risk: str, tool_risk: str, held: bool) -> None:
    caller = Caller(ActorKind.AGENT, None, "x", RiskLevel(caller_risk))
    verdict = judged([], caller=caller, risk=RiskLevel(tool_risk), scope=ToolScope(("comms",)))
    assert (verdict.decision is Decision.ESCALATED) is held


def test_block_still_blocks_an_approved_call() -> None:
    assert judged([policy("approval", "block")], approved=True).decision is Decision.DENIED


def test_approval_conditions_narrow_it() -> None:
    rule = policy("approval", "pause", {"min_risk": "high", "min_cost": 5})
    assert judged([rule], risk=RiskLevel.HIGH, cost_estimate=Decimal(5)).decision is Decision.ESCALATED
    assert judged([rule], risk=RiskLevel.MEDIUM, cost_estimate=Decimal(5)).decision is Decision.AUTHORIZED
    assert judged([rule], risk=RiskLevel.HIGH, cost_estimate=Decimal("4.99")).decision is Decision.AUTHORIZED


@pytest.mark.parametrize(
    ("mode", "config", "decision", "would", "adapter_sees"),
    [
        ("block", {}, Decision.AUTHORIZED, "mask", "[masked:card]"),
        ("block", {"action": "refuse"}, Decision.DENIED, "deny", "[masked:card]"),
        ("pause", {}, Decision.ESCALATED, "hold", "[masked:card]"),
        ("alert", {}, Decision.AUTHORIZED, "mask", "[masked:card]"),
        ("log", {}, Decision.AUTHORIZED, "mask", CARD),
        ("log", {"action": "refuse"}, Decision.AUTHORIZED, "deny", CARD),
    ],
)
def test_privacy_masks_what_adapter_and_evidence_see(
    mode: str, config: dict[str, Any], decision: Decision, would: str, adapter_sees: str
) -> None:
    verdict = judged([policy("data_privacy", mode, config)], arguments={"text": CARD, "n": 1})
    assert verdict.decision is decision
    assert verdict.matched[0].would.value == would
    assert verdict.arguments == {"text": adapter_sees, "n": 1}
    assert verdict.recorded == {"text": "[masked:card]", "n": 1}
    assert verdict.masked_fields == ("text",)
    assert CARD not in str(verdict.matched) + verdict.reason


def test_privacy_that_finds_nothing_does_not_match() -> None:
    verdict = judged([policy("data_privacy", "block", {"action": "refuse"})], arguments={"text": "hello"})
    assert (verdict.decision, verdict.matched) == (Decision.AUTHORIZED, ())


def test_several_privacy_policies_mask_together_and_a_watching_one_only_for_evidence() -> None:
    verdict = judged(
        [
            policy("data_privacy", "log", {"detect": ["email"]}, number=1),
            policy("data_privacy", "block", {"detect": ["card"]}, number=2),
            policy("data_privacy", "alert", {"detect": ["ssn"]}, number=3),
        ],
        arguments={"text": f"{CARD} ada@example.com 123-45-6789"},
    )
    assert verdict.arguments == {"text": "[masked:card] ada@example.com [masked:ssn]"}
    assert verdict.recorded == {"text": "[masked:card] [masked:email] [masked:ssn]"}
    assert len(verdict.matched) == 3


def test_a_refused_call_is_masked_for_evidence_as_well() -> None:
    verdict = judged([policy("data_privacy", "alert")], scope=ToolScope(("crm",)), arguments={"text": CARD})
    assert verdict.decision is Decision.DENIED
    assert verdict.recorded == {"text": "[masked:card]"}


def spending(**levels: str) -> Spending:
    spends = {name: Spend(spent=Decimal(amount)) for name, amount in levels.items()}
    room = {"month": Spend(), "day": Spend(), **spends}
    return Spending(Headroom(caps=Caps(), **room))


@pytest.mark.parametrize(
    ("config", "levels", "estimate", "denied"),
    [
        ({"per_workspace": 10}, {"month": "9.99"}, "0.01", False),
        ({"per_workspace": 10}, {"month": "9.99"}, "0.02", True),
        ({"per_workspace": 10}, {"month": "10"}, "0", True),
        ({"per_workspace": 10, "period": "day"}, {"month": "100", "day": "1"}, "1", False),
        ({"per_run": 1}, {"run": "1"}, "0", True),
        ({"per_run": 1}, {}, "0", False),
        ({"per_agent": 2}, {"agent_month": "2"}, "0", True),
        ({"per_agent": 2, "period": "day"}, {"agent_month": "5", "agent_day": "1"}, "0.5", False),
    ],
)
def test_cost_caps(config: dict[str, Any], levels: dict[str, str], estimate: str, denied: bool) -> None:
    verdict = judged([policy("cost", "block", config)], spending(**levels), cost_estimate=Decimal(estimate))
    assert (verdict.decision is Decision.DENIED) is denied
    if denied:
        assert verdict.reason == "budget_exhausted"
        assert verdict.policy_id is not None
    held = judged([policy("cost", "pause", config)], spending(**levels), cost_estimate=Decimal(estimate))
    assert (held.decision is Decision.ESCALATED) is denied


def test_a_scope_cap_counts_the_tools_the_policy_covers() -> None:
    rule = policy("cost", "block", {"per_scope": 3})
    spent = {rule.id: Spend(spent=Decimal(2), reserved=Decimal(1))}
    full = Spending(Headroom(caps=Caps(), month=Spend(), day=Spend()), spent)
    assert judged([rule], full).reason == "budget_exhausted"


@pytest.mark.parametrize("cap", ["monthly_cap", "daily_cap", "per_run_cap"])
def test_the_workspace_budget_refuses_too_and_approval_does_not_help(cap: str) -> None:
    spend = Spend(spent=Decimal(5))
    room = Headroom(caps=Caps(**{cap: Decimal(5)}), month=spend, day=spend, run=spend)
    verdict = judged([], Spending(room), approved=True)
    assert (verdict.decision, verdict.reason) == (Decision.DENIED, "budget_exhausted")


@pytest.mark.parametrize("mode", MODES)
def test_compliance_labels_in_every_mode(mode: PolicyMode) -> None:
    verdict = judged(
        [
            policy("compliance", mode, {"controls": ["Art.14", "Art.12"], "framework": "EU AI Act"}),
            policy("approval", "log"),
        ]
    )
    assert verdict.controls == ("EU AI Act:Art.14", "EU AI Act:Art.12")


CONTENT = {
    "deny": ["project falcon"],
    "allow": ["the Project Falcon museum"],
    "patterns": [{"name": "key", "regex": "sk-[a-z]{8}"}],
}


@pytest.mark.parametrize(
    ("text", "decision"),
    [
        ("all about PROJECT FALCON!", Decision.DENIED),
        ("the project falcon museum opens", Decision.AUTHORIZED),
        ("project falconry", Decision.AUTHORIZED),
        ("my key is sk-abcdefgh", Decision.DENIED),
        ("nothing here", Decision.AUTHORIZED),
        ("", Decision.AUTHORIZED),
    ],
)
def test_content_is_screened(text: str, decision: Decision) -> None:
    screening = screen_text(Rules(1, [policy("content", "block", CONTENT)]), text, CALLER, "")
    assert screening.decision is decision
    assert bool(screening.findings) is (decision is Decision.DENIED)


def test_content_modes_follow_the_same_precedence() -> None:
    def screened(*modes: str) -> Decision:
        rules = Rules(1, [policy("content", mode, {"deny": ["x"]}, number) for number, mode in enumerate(modes)])
        return screen_text(rules, "x", CALLER, "").decision

    assert screened("log", "alert") is Decision.AUTHORIZED
    assert screened("log", "pause") is Decision.ESCALATED
    assert screened("pause", "block", "log") is Decision.DENIED


def test_content_policies_say_nothing_about_tool_calls() -> None:
    assert judged([policy("content", "block", {"deny": ["x"]})], arguments={"text": "x"}).matched == ()
