"""What other domains and faces see of the evidence ledger."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar

from interlock.kit.ids import TypedId
from interlock.kit.operations import View
from interlock.runtime.context import ActorKind

ATTESTATION_PREFIX = "att"
PROVISIONAL = "provisional"
"""Marks, in an outcome's `extra`, one that was told before a person had decided and that another may follow."""


class EntryId(TypedId):
    """An entry's identity, the `audit_id` of an attestation."""

    prefix: ClassVar[str] = "aud"


class KeyId(TypedId):
    """A row of the server's keys; verifiers know a signing key by its `kid`."""

    prefix: ClassVar[str] = "key"


class EntryEvent(StrEnum):
    """What an entry is evidence of."""

    CHECK = "check"
    OUTCOME = "outcome"
    TOOL_CALL = "tool_call"
    APPROVAL = "approval"
    POLICY = "policy"
    BUDGET = "budget"
    MODEL_CALL = "model_call"
    RISK = "risk"
    ACCESS = "access"
    KEY_ROTATED = "key_rotated"


class ExportFormat(StrEnum):
    """How exported evidence is written: JSON lines verify again, CSV is for people."""

    JSONL = "jsonl"
    CSV = "csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEntry:
    """What to put on record; the ledger adds identity, time, sequence and hashes.

    Args:
        event: what this is evidence of.
        caller_kind: kind of the caller; like its id and label a copy, because history outlives the caller.
        args_hash: `kit.canonical.digest` of the arguments as judged (masked form).
        edited_hash: the same of the arguments a reviewer put in their place.
        masked_fields: paths that were masked before anyone saw them.
        scope: copy of the scope in force, as JSON.
        matched: every policy that matched, with mode and what it would have done; views, dataclasses or JSON objects.
        decision: authorized, escalated or denied.
        controls: regulatory control tags.
        cost: US dollars; None when unknown or not applicable.
        idempotency_key: the caller's key, unique in the workspace; `find_by_key` reads it back.
        extra: anything an event of its own kind must remember, as JSON.
    """

    event: EntryEvent
    caller_kind: ActorKind
    caller_id: TypedId | str | None = None
    caller_label: str = ""
    tool: str | None = None
    action_type: str | None = None
    args_hash: str | None = None
    edited_hash: str | None = None
    masked_fields: Sequence[str] = ()
    scope: Any = None
    matched: Sequence[Any] = ()
    decision: str | None = None
    reason: str | None = None
    policy_id: TypedId | str | None = None
    approval_id: TypedId | str | None = None
    reviewer: str | None = None
    cost: Decimal | None = None
    latency_ms: int | None = None
    provider_ref: str | None = None
    controls: Sequence[str] = ()
    check_id: TypedId | str | None = None
    outcome: str | None = None
    error: str | None = None
    run_id: TypedId | str | None = None
    agent_id: TypedId | str | None = None
    idempotency_key: str | None = None
    extra: Mapping[str, Any] | None = None


class LedgerEntry(View):
    """One piece of evidence. Ids of other things are their native text, because an entry outlives what it names."""

    id: EntryId
    sequence: int
    at: datetime
    event: EntryEvent
    caller_kind: ActorKind
    caller_id: str | None = None
    caller_label: str = ""
    tool: str | None = None
    action_type: str | None = None
    args_hash: str | None = None
    edited_hash: str | None = None
    masked_fields: tuple[str, ...] = ()
    scope: Any = None
    matched: tuple[dict[str, Any], ...] = ()
    decision: str | None = None
    reason: str | None = None
    policy_id: str | None = None
    approval_id: str | None = None
    reviewer: str | None = None
    cost: Decimal | None = None
    latency_ms: int | None = None
    provider_ref: str | None = None
    controls: tuple[str, ...] = ()
    check_id: str | None = None
    outcome: str | None = None
    error: str | None = None
    run_id: str | None = None
    agent_id: str | None = None
    idempotency_key: str | None = None
    extra: dict[str, Any] | None = None
    previous_hash: str
    hash: str


class Attestation(View):
    """A signed proof of one entry that anyone verifies with the published keys."""

    jwt: str
    kid: str
    jti: str


class BrokenEntry(View):
    """Where a chain first fails; `id` is None where the entry itself is gone."""

    sequence: int
    id: str | None
    reason: str


class OutcomeGap(View):
    """An authorised check whose caller never reported what became of it; normal for callers that only ask."""

    check_id: str
    tool: str | None
    checked_at: datetime


class Verification(View):
    """The result of walking the chain; gaps inform and do not make it invalid."""

    valid: bool
    entries: int
    head_sequence: int
    head_hash: str
    first_invalid: BrokenEntry | None
    gaps: tuple[OutcomeGap, ...]
    gaps_total: int


class Jwk(View):
    """A public signing key (RFC 7517, RFC 8037)."""

    kty: str = "OKP"
    crv: str = "Ed25519"
    x: str
    kid: str
    alg: str = "EdDSA"
    use: str = "sig"


class Jwks(View):
    """Every public key that an attestation of this server may be signed with, retired ones included."""

    keys: tuple[Jwk, ...]


class SigningKey(View):
    """A signing key as its operator sees it."""

    kid: str
    created_at: datetime
    retired_at: datetime | None


@dataclass(frozen=True, slots=True)
class LedgerExport:
    """Exported evidence, produced while it is read."""

    media_type: str
    filename: str
    chunks: AsyncIterator[bytes]
