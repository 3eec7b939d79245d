"""Routes about policies, approvals, budgets and evidence."""

from interlock.domains.governance.approvals import reviewing
from interlock.domains.governance.approvals import service as approvals
from interlock.domains.governance.budgets import service as budgets
from interlock.domains.governance.ledger import service as ledger
from interlock.domains.governance.policies import service as policies
from interlock.domains.governance.policies.views import DryRun
from interlock.domains.governance.replay import service as replay
from interlock.faces.rest.binding import NativeRoute, route
from interlock.faces.rest.wire.base import Deleted
from interlock.faces.rest.wire.governance import (
    ApprovalReply,
    ApprovedReply,
    BudgetReply,
    BudgetUpdated,
    DecidedManyReply,
    EntryReply,
    InboxReply,
    JwksReply,
    PolicyReply,
    RejectedReply,
    ReviewReply,
    SigningKeyReply,
    VerificationReply,
)

ROUTES: tuple[NativeRoute, ...] = (
    route("GET", "/api/v1/policies", policies.list_, list[PolicyReply]),
    route("POST", "/api/v1/policies", policies.create, PolicyReply),
    route("POST", "/api/v1/policies/dry-run", policies.dry_run, DryRun),
    route("POST", "/api/v1/policies/replay", replay.replay, replay.Replay),
    route("GET", "/api/v1/policies/{policy_id}", policies.get, PolicyReply),
    route("PATCH", "/api/v1/policies/{policy_id}", policies.update, PolicyReply),
    route("DELETE", "/api/v1/policies/{policy_id}", policies.delete, Deleted),
    route("GET", "/api/v1/approvals", approvals.list_, list[ApprovalReply]),
    route("GET", "/api/v1/approvals/inbox", reviewing.inbox, InboxReply),
    route("POST", "/api/v1/approvals/decide", reviewing.decide_many, DecidedManyReply),
    route("GET", "/api/v1/approvals/{approval_id}", approvals.get, ApprovalReply),
    route("GET", "/api/v1/approvals/{approval_id}/review", reviewing.review, ReviewReply),
    route("POST", "/api/v1/approvals/{approval_id}/approve", approvals.approve, ApprovedReply),
    route("POST", "/api/v1/approvals/{approval_id}/reject", approvals.reject, RejectedReply),
    route("GET", "/api/v1/budget", budgets.get, BudgetReply),
    route("PATCH", "/api/v1/budget", budgets.update, BudgetUpdated),
    route("GET", "/api/ledger", ledger.list_, list[EntryReply]),
    route("GET", "/api/ledger/verify", ledger.verify, VerificationReply),
    route("POST", "/api/ledger/rotate-key", ledger.rotate_key, SigningKeyReply),
    route("GET", "/api/ledger/entries/{entry_id}", ledger.get, EntryReply),
    route("GET", "/api/.well-known/jwks.json", ledger.jwks, JwksReply, allowed=None),
)
