"""The news in words for people; pure. Names and reasons come from callers: data, never markup or header lines."""

from dataclasses import dataclass
from typing import Any

from interlock.domains.governance.approvals.events import ApprovalRequested
from interlock.domains.governance.budgets.events import BudgetAlertFired
from interlock.domains.governance.policies.events import PolicyAlerted
from interlock.kit.clock import iso_seconds
from interlock.runtime.events import Event

LONGEST_TITLE = 200
_LONGEST_LINE = 1_000


@dataclass(frozen=True, slots=True)
class Message:
    """What is told: the event for programs, title and text for people."""

    event: str
    title: str
    text: str
    data: dict[str, Any]


def of_policy_alert(event: PolicyAlerted) -> Message:
    """A policy in alert mode matched."""
    lines = [
        f"Policy '{event.policy_name}' is in alert mode and matched a call of {event.tool} by {event.caller}.",
        f"Enforced, it would have answered: {event.would}.",
    ]
    return _message(event, f"Policy '{event.policy_name}' matched {event.tool}", [*lines, event.detail])


def of_budget_alert(event: BudgetAlertFired) -> Message:
    """A share of the monthly cap is spent."""
    spent, cap = f"${event.monthly_spent:.2f}", f"${event.monthly_cap:.2f}"
    lines = [f"{spent} of {cap} are spent in {event.month} (UTC).", "At the cap, calls that cost money are refused."]
    return _message(event, f"{event.threshold_percent}% of the monthly budget is spent", lines)


def of_approval_request(event: ApprovalRequested) -> Message:
    """Something waits for a person."""
    lines = [
        f"{event.caller} waits for a decision about {event.tool}.",
        event.reason,
        f"Approval {event.approval_id}; without a decision by {iso_seconds(event.expires_at)} it is refused.",
    ]
    return _message(event, f"Approval needed: {event.tool}", lines)


def for_slack(title: str, text: str) -> str:
    """Slack's markup, in which &, < and > would otherwise begin mentions and links."""
    escaped = f"*{title}*\n{text}".replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return escaped[:30_000]


def _message(event: Event, title: str, lines: list[str]) -> Message:
    text = "\n".join(line for line in map(one_line, lines) if line)
    return Message(event.name, one_line(title, LONGEST_TITLE), text, event.model_dump(mode="json"))


def one_line(words: str, longest: int = _LONGEST_LINE) -> str:
    """One printable line, cut short."""
    line = " ".join("".join(char if char.isprintable() else " " for char in words).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"
