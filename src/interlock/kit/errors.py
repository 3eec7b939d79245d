"""The one error type of the product: kind, stable code, words for people, data for programs; never an HTTP status."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What went wrong, in terms every face can translate; each face owns a complete table from kind to wire."""

    MALFORMED = "malformed"
    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    TOO_LARGE = "too_large"
    RATE_LIMITED = "rate_limited"
    BUDGET_EXCEEDED = "budget_exceeded"
    UPSTREAM = "upstream"
    UPSTREAM_TIMEOUT = "upstream_timeout"
    UNAVAILABLE = "unavailable"
    INTERNAL = "internal"


class InterlockError(Exception):
    """Something the caller can be told.

    Args:
        kind: what went wrong, in the vocabulary every face translates.
        code: stable machine code, snake_case; defaults to the kind's own name.
        message: one sentence for a person; names the field where there is one.
        data: facts for programs (caps, ids, field errors); JSON-serialisable, never secret.
        hint: the remedy, when there is one.
    """

    def __init__(
        self,
        kind: Kind,
        message: str,
        *,
        code: str | None = None,
        data: Mapping[str, Any] | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.code = code or kind.value
        self.message = message
        self.data: dict[str, Any] = dict(data or {})
        self.hint = hint


def malformed(message: str, *, hint: str | None = None, **data: Any) -> InterlockError:
    """The bytes could not be understood at all."""
    return InterlockError(Kind.MALFORMED, message, code="invalid_request", data=data, hint=hint)


def invalid(message: str, *, field: str | None = None, hint: str | None = None, **data: Any) -> InterlockError:
    """The request was understood but a field is wrong; name the field."""
    facts = {"field": field, **data} if field else data
    return InterlockError(Kind.INVALID, message, code="validation_error", data=facts, hint=hint)


def not_found(thing: str, reference: object, *, hint: str | None = None) -> InterlockError:
    """Absent, or owned by someone else: the two are indistinguishable on purpose."""
    return InterlockError(Kind.NOT_FOUND, f"No {thing} with id '{reference}'.", data={"id": str(reference)}, hint=hint)


def conflict(message: str, *, code: str = "conflict", hint: str | None = None, **data: Any) -> InterlockError:
    """The thing exists already, or is in a state that does not allow this."""
    return InterlockError(Kind.CONFLICT, message, code=code, data=data, hint=hint)


def forbidden(message: str, *, hint: str | None = None, **data: Any) -> InterlockError:
    """The caller is known but may not do this."""
    return InterlockError(Kind.FORBIDDEN, message, data=data, hint=hint)


def unauthenticated(message: str, *, hint: str | None = None) -> InterlockError:
    """The caller is not known: a credential is missing, wrong, expired or revoked."""
    return InterlockError(Kind.UNAUTHENTICATED, message, code="unauthorized", hint=hint)
