"""Native replies to programs that act themselves."""

from typing import Annotated

from pydantic import Field, PlainSerializer, SerializationInfo, WithJsonSchema

from interlock.domains.governance.checks.views import CheckId, Outcome
from interlock.domains.governance.ledger.views import EntryId
from interlock.domains.governance.policies.views import Decision
from interlock.faces.rest.wire.base import Wire


def _poll_url(escalation_id: str | None, info: SerializationInfo) -> str | None:
    base_url = (info.context or {}).get("base_url", "")
    return None if escalation_id is None else f"{base_url}/api/v1/approvals/{escalation_id}"


PollUrl = Annotated[
    str | None,
    PlainSerializer(_poll_url),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "null"}]}),
]


class VerdictReply(Wire):
    """The answer to a check; refusals are answers too."""

    decision: Decision
    check_id: CheckId
    reason: str
    escalation_id: str | None
    approval_poll_url: PollUrl = Field(validation_alias="escalation_id")
    attestation_jti: str


class OutcomeReply(Wire):
    """Proof that an outcome is on record."""

    attestation: str
    attestation_kid: str
    attestation_jti: str
    audit_id: EntryId
    check_id: CheckId | None
    outcome: Outcome
