"""The bytes an entry is hashed over, described for outsiders in docs/ledger.md; a change of layout is a new version."""

import hashlib
import hmac
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import orjson
from pydantic import BaseModel

from interlock.domains.governance.ledger.views import EntryId, NewEntry
from interlock.kit.ids import TypedId
from interlock.kit.money import from_nano, to_nano
from interlock.runtime.context import WorkspaceId

VERSION = 1
GENESIS = hashlib.sha256(b"interlock-ledger-genesis-v1").hexdigest()
"""What the first entry of every workspace gives as its previous hash."""


@lru_cache(maxsize=4096, typed=True)
def _text(key: TypedId) -> str:
    """Native text of an id; callers and workspaces repeat, and spelling one costs as much as hashing."""
    return str(key)


def _plain(value: object) -> object:
    if isinstance(value, TypedId):
        return str(value)
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, Decimal):
        return format(value, "f")
    raise TypeError(f"a ledger entry cannot hold a {type(value).__name__}")


def _json(value: Any) -> Any:
    """A value of views, dataclasses and ids as plain JSON."""
    if not value:
        return value
    return orjson.loads(orjson.dumps(value, default=_plain))


def iso(moment: datetime) -> str:
    """UTC with microseconds, always of one length."""
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return utc.isoformat(timespec="microseconds")[:26] + "Z"


def content_of(
    new: NewEntry, key: EntryId, workspace: WorkspaceId, sequence: int, at: datetime, previous: str
) -> dict[str, Any]:
    """The content of an entry as a JSON object; what does not apply is absent."""
    fields = {
        "v": VERSION,
        "id": str(key),
        "workspace_id": _text(workspace),
        "sequence": sequence,
        "at": iso(at),
        "event": new.event.value,
        "caller_kind": new.caller_kind.value,
        "caller_id": _reference(new.caller_id),
        "caller_label": new.caller_label or None,
        "tool": new.tool,
        "action_type": new.action_type,
        "args_hash": new.args_hash,
        "edited_hash": new.edited_hash,
        "masked_fields": list(new.masked_fields) or None,
        "scope": None if new.scope is None else _json(new.scope),
        "matched": _json(list(new.matched)) or None,
        "decision": None if new.decision is None else str(new.decision),
        "reason": new.reason,
        "policy_id": _reference(new.policy_id),
        "approval_id": _reference(new.approval_id),
        "reviewer": new.reviewer,
        "cost": None if new.cost is None else format(from_nano(to_nano(new.cost)), "f"),
        "latency_ms": new.latency_ms,
        "provider_ref": new.provider_ref,
        "controls": list(new.controls) or None,
        "check_id": _reference(new.check_id),
        "outcome": None if new.outcome is None else str(new.outcome),
        "error": new.error,
        "run_id": _reference(new.run_id),
        "agent_id": _reference(new.agent_id),
        "idempotency_key": new.idempotency_key,
        "extra": _json(new.extra) if new.extra else None,
        "previous_hash": previous,
    }
    return {name: value for name, value in fields.items() if value is not None}


def columns_of(content: dict[str, Any]) -> dict[str, str | None]:
    """The searchable copies of some fields; cut to their column and freed of what PostgreSQL text cannot hold."""
    return {
        "tool": _column(content.get("tool"), 200),
        "decision": _column(content.get("decision"), 40),
        "caller_id": _column(content.get("caller_id"), 200),
        "caller_label": _column(content.get("caller_label", ""), 200),
        "check_id": _column(content.get("check_id"), 64),
        "idempotency_key": _column(content.get("idempotency_key"), 400),
    }


def _column(value: str | None, length: int) -> str | None:
    if value is None:
        return None
    return (value.replace("\x00", "\ufffd") if "\x00" in value else value)[:length]


def _reference(key: TypedId | str | None) -> str | None:
    if key is None or key == "":
        return None
    return _text(key) if isinstance(key, TypedId) else key


def seal_of(key: bytes, digest: str) -> str:
    """HMAC-SHA256 of the hash: whoever can write to the database but has no master key cannot make one."""
    return hmac.digest(key, digest.encode(), "sha256").hex()
