"""Refusals of the approvals."""

from interlock.domains.governance.approvals.states import ApprovalStatus
from interlock.domains.governance.approvals.views import ApprovalId
from interlock.kit.errors import InterlockError, conflict, forbidden, invalid


def already_settled(approval_id: ApprovalId, status: ApprovalStatus) -> InterlockError:
    """A gate is settled once; a later decision changes nothing."""
    return conflict(f"This approval is already {status.value}.", id=str(approval_id), status=status.value)


def not_a_reviewer() -> InterlockError:
    """Whoever asks may not also agree."""
    return forbidden(
        "Only people and their API keys decide approvals; programs and agents under governance may not.",
        hint="Sign in, or use an API key with the scope 'workflows'.",
    )


def unfit_edit(problem: str, path: str = "") -> InterlockError:
    """The reviewer's replacement does not fit what it replaces."""
    field = f"edited_output.{path}" if path else "edited_output"
    return invalid(f"{field}: {problem}", field=field, hint="Leave edited_output out to approve the call as it is.")
