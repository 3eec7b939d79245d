"""What can be told: the public names of events, when each happens, and the shape of its payload."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Any

import orjson
from pydantic import BaseModel

from interlock.domains.governance.approvals.states import ApprovalStatus
from interlock.domains.governance.approvals.views import ApprovalId, ApprovalKind
from interlock.domains.governance.policies.views import PolicyId
from interlock.domains.runs.states import RunKind, RunStatus, Trigger
from interlock.domains.webhooks.views import EventType, SubscriptionId
from interlock.kit.clock import iso_seconds
from interlock.kit.ids import AgentId, RunId, TypedId, WorkflowId
from interlock.kit.operations import View

PING = "test.ping"
_LARGEST_OUTPUT = 64_000


class RunNews(View):
    """A run that came to its end; `output` is null where it is larger than 64,000 bytes. Money is decimal text."""

    run_id: RunId
    kind: RunKind | None = None
    status: RunStatus
    name: str | None = None
    agent_id: AgentId | None = None
    workflow_id: WorkflowId | None = None
    parent_run_id: RunId | None = None
    trigger: Trigger | None = None
    output: dict[str, Any] | None = None
    output_left_out: bool = False
    error: str | None = None
    total_cost: Decimal | None = None
    total_tokens: int | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None


class ApprovalRequestNews(View):
    """Something waits for a person."""

    approval_id: ApprovalId
    kind: ApprovalKind
    subject: str
    run_id: RunId | None
    tool: str
    reason: str
    caller: str
    expires_at: datetime


class ApprovalNews(View):
    """A person, the clock or a withdrawal settled an approval."""

    approval_id: ApprovalId
    kind: ApprovalKind
    subject: str
    run_id: RunId | None
    status: ApprovalStatus
    edited: bool


class BudgetNews(View):
    """A share of the monthly cap is spent. Money is decimal text."""

    month: str
    threshold_percent: int
    monthly_spent: Decimal
    monthly_cap: Decimal


class PolicyNews(View):
    """A policy in alert mode matched a call."""

    policy_id: PolicyId
    policy_name: str
    would: str
    detail: str
    tool: str
    caller: str
    run_id: RunId | None


class FormNews(View):
    """A form was filled in; `run_id` is the run that it started, if any."""

    form_id: TypedId
    submission_id: TypedId
    run_id: RunId | None


class ConversationNews(View):
    """A thread has its first message."""

    conversation_id: TypedId
    channel: str
    subject: str


class FiringNews(View):
    """A schedule started a run; `missed` due moments before it were passed over."""

    schedule_id: TypedId
    schedule_name: str
    firing_id: TypedId
    run_id: RunId
    due_at: datetime
    missed: int


class FiringFailedNews(View):
    """A schedule was due, but the run could not be started."""

    schedule_id: TypedId
    schedule_name: str
    firing_id: TypedId
    due_at: datetime
    code: str
    error: str


class PingNews(View):
    """A test that somebody asked for."""

    subscription_id: SubscriptionId
    message: str = "This is a test. Nothing happened."


CATALOGUE: Mapping[str, tuple[str, type[BaseModel]]] = MappingProxyType(
    {
        "run.completed": ("A run reached its end.", RunNews),
        "run.failed": ("A run failed.", RunNews),
        "run.cancelled": ("A person or program stopped a run.", RunNews),
        "run.budget_exceeded": ("A run was halted by a budget.", RunNews),
        "approval.requested": ("Something waits for a person's decision.", ApprovalRequestNews),
        "approval.decided": ("An approval was granted, rejected, withdrawn, or ran out.", ApprovalNews),
        "budget.alert": ("A share of the monthly budget is spent.", BudgetNews),
        "policy.alerted": ("A policy in alert mode matched a call.", PolicyNews),
        "form.submitted": ("A form was filled in.", FormNews),
        "conversation.started": ("A conversation has its first message.", ConversationNews),
        "schedule.fired": ("A schedule started a run.", FiringNews),
        "schedule.failed": ("A schedule was due, but its run could not be started.", FiringFailedNews),
        PING: ("Somebody tests a subscription; sent to that one only, whatever it listens to.", PingNews),
    }
)
EVENT_TYPES: tuple[EventType, ...] = tuple(
    EventType(name=name, summary=summary, data_schema=data.model_json_schema(mode="serialization"))
    for name, (summary, data) in CATALOGUE.items()
)


def fits(patterns: tuple[str, ...], name: str) -> bool:
    """Whether any of the globs covers an event's name."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def body_of(name: str, at: datetime, data: BaseModel) -> str:
    """The text that is sent: `type`, `timestamp` and `data`, as Standard Webhooks lays a payload out."""
    payload = {"type": name, "timestamp": iso_seconds(at), "data": data.model_dump(mode="json")}
    return orjson.dumps(payload).decode()


def fits_in(output: dict[str, Any] | None) -> bool:
    """Whether a run's output is small enough to be sent along."""
    return output is None or len(orjson.dumps(output)) <= _LARGEST_OUTPUT
