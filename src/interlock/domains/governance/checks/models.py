"""Tables of the checks. Most checks live in the ledger alone; a row remembers a key, set-aside money or a gate."""

from sqlalchemy import Column, String, Table, Text, UniqueConstraint

from interlock.domains.governance.approvals.views import ApprovalId
from interlock.domains.governance.budgets.views import ReservationId
from interlock.domains.governance.checks.views import CheckId
from interlock.domains.governance.policies.views import Decision, PolicyId
from interlock.runtime import tables
from interlock.runtime.context import WorkspaceId

_decision, _decision_check = tables.state("decision", Decision, nullable=True)

checks = Table(
    "checks",
    tables.metadata,
    tables.key(),
    tables.guid(CheckId),
    tables.reference("workspace_id", WorkspaceId),
    Column("idempotency_key", String(200)),
    Column("payload_hash", String(64), nullable=False),
    # Empty only between the claim of a key and the verdict, inside one transaction.
    _decision,
    _decision_check,
    Column("reason", Text),
    tables.reference("policy_id", PolicyId, nullable=True),
    tables.reference("approval_id", ApprovalId, nullable=True),
    tables.reference("reservation_id", ReservationId, nullable=True),
    tables.money("cost_estimate"),
    tables.moment("created_at"),
    UniqueConstraint("workspace_id", "idempotency_key"),
)
