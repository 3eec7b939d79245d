"""Refusals of the checks; a denied action is no error but a verdict."""

from interlock.domains.governance.checks.views import CheckId, Outcome
from interlock.domains.governance.policies.views import Decision
from interlock.kit.errors import InterlockError, conflict, invalid


def key_reused(key: str) -> InterlockError:
    """One key stands for one question."""
    return conflict(
        "This idempotency_key was used for a check with another payload.",
        code="idempotency_key_reused",
        hint="Use a fresh key for every action, and the same one only to repeat it.",
        idempotency_key=key,
    )


def already_reported(check_id: CheckId, outcome: str | None) -> InterlockError:
    """An outcome is evidence and is not rewritten."""
    return conflict(f"The outcome of this check is already '{outcome}'.", id=str(check_id), outcome=outcome)


def never_allowed(check_id: CheckId, decision: Decision) -> InterlockError:
    """Success is claimed for an action that nobody had allowed."""
    return conflict(
        f"This check is {decision.value}, so its action cannot have succeeded.",
        id=str(check_id),
        decision=decision.value,
        outcome=Outcome.SUCCESS.value,
        hint="Report 'cancelled' for an action that was not taken.",
    )


def other_tool(tool: str | None) -> InterlockError:
    """The outcome tells of another tool than its check."""
    return invalid(f"tool: this check was about '{tool}'.", field="tool")
