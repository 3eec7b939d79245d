"""Content policies over what a model produced, as a pure function."""

from interlock.domains.governance.policies.rules import Rules
from interlock.domains.governance.policies.states import PolicyMode
from interlock.domains.governance.policies.views import Caller, Decision, MatchedPolicy, Screening

_SHOWN = 5


def screen_text(rules: Rules, text: str, caller: Caller, source: str) -> Screening:
    """What the content policies say; block beats pause, alert and log let the text through."""
    matched: list[MatchedPolicy] = []
    findings: dict[str, None] = {}
    for rule in rules.content:
        if rule.screener is None or not (rule.covers_tool(source) and rule.covers_caller(caller)):
            continue
        found = [str(finding) for finding in rule.screener.screen(text)]
        if found:
            findings.update(dict.fromkeys(found))
            matched.append(rule.matched(", ".join(found[:_SHOWN])))
    for mode, decision in ((PolicyMode.BLOCK, Decision.DENIED), (PolicyMode.PAUSE, Decision.ESCALATED)):
        match = next((match for match in matched if match.mode is mode), None)
        if match is not None:
            reason = f"Policy '{match.name}' objects to this output: {match.detail}."
            return Screening(decision, reason, match.policy_id, tuple(matched), tuple(findings))
    return Screening(Decision.AUTHORIZED, "No policy objects.", None, tuple(matched), tuple(findings))
