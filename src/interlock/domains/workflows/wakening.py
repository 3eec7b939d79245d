"""The names of what runs of workflows wait for."""

from interlock.domains.governance.approvals.views import ApprovalId


def gate_topic(approval_id: ApprovalId) -> str:
    """The topic on which a run hears that a person has decided about its gate."""
    return f"gate:{approval_id}"
