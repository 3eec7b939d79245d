"""What can go wrong with a provider: it refuses, fails, is silent or garbled. No message carries a secret."""

import re
from collections.abc import Mapping
from typing import Any

import orjson

from interlock.kit.errors import InterlockError, Kind

_LONGEST = 300
_SECRET = re.compile(r"\b(?:sk|pk|rk|key|AIza|gsk|xai)[-_][^\s\"',;]{2,}|\bAIza[\w-]{10,}|Bearer\s+\S+", re.IGNORECASE)
_BAD_KEY = re.compile(r"api[ _]key not valid|api_key_invalid|invalid[ _]api[ _]key|incorrect api key", re.IGNORECASE)
_LATE = frozenset({408, 504})
_BUSY = 429
_DENIED = frozenset({401, 403})


class ProviderError(InterlockError):
    """A provider did not deliver.

    Args:
        retryable: whether another attempt, or another provider, may succeed with the same request.
        retry_after: seconds the provider asked us to wait.
    """

    def __init__(
        self,
        kind: Kind,
        message: str,
        *,
        code: str,
        provider: str,
        retryable: bool,
        retry_after: float | None = None,
        hint: str | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        facts: dict[str, Any] = {"provider": provider, **(data or {})}
        if retry_after is not None:
            facts["retry_after"] = retry_after
        super().__init__(kind, message, code=code, data=facts, hint=hint)
        self.provider = provider
        self.retryable = retryable
        self.retry_after = retry_after


def refused(provider: str, status: int, body: bytes | str | object, headers: Mapping[str, str] | None) -> ProviderError:
    """A provider's error answer in our words.

    A refused key is our operator's trouble and not the caller's, so it is an upstream error rather than a 401.
    """
    told = told_by(body)
    retry_after = _seconds((headers or {}).get("retry-after"))
    says = f"{provider} answered {status}" + (f": {told}" if told else ".")
    facts = {"status": status}

    def failure(kind: Kind, code: str, *, retryable: bool, hint: str | None = None) -> ProviderError:
        return ProviderError(
            kind,
            says,
            code=code,
            provider=provider,
            retryable=retryable,
            retry_after=retry_after,
            hint=hint,
            data=facts,
        )

    if status in _DENIED or (status == 400 and _BAD_KEY.search(told)):
        return failure(
            Kind.UPSTREAM,
            "provider_unauthorized",
            retryable=False,
            hint=f"Check the API key of provider '{provider}' and what it may do.",
        )
    if status == _BUSY:
        return failure(Kind.RATE_LIMITED, "provider_rate_limited", retryable=True)
    if status in _LATE:
        return failure(Kind.UPSTREAM_TIMEOUT, "provider_timeout", retryable=True)
    if status >= 500:
        return failure(Kind.UPSTREAM, "provider_error", retryable=True)
    if status == 402:
        return failure(Kind.UPSTREAM, "provider_unpaid", retryable=False, hint=f"Check the account at '{provider}'.")
    return failure(Kind.INVALID, "provider_rejected", retryable=False)


def not_delivered(provider: str, error: InterlockError) -> InterlockError:
    """The guarded client's error, told as this provider's; a refused address stays what it is."""
    if isinstance(error, ProviderError) or error.kind not in {Kind.UPSTREAM, Kind.UPSTREAM_TIMEOUT}:
        return error
    return ProviderError(
        error.kind,
        f"{provider}: {error.message}",
        code=error.code,
        provider=provider,
        retryable=error.code not in {"provider_redirected", "provider_response_too_large"},
    )


def garbled(provider: str, what: str) -> ProviderError:
    """A provider answered with something that is not its own format."""
    return ProviderError(
        Kind.UPSTREAM,
        f"{provider} sent {what}.",
        code="provider_bad_response",
        provider=provider,
        retryable=True,
    )


def stream_cut(provider: str) -> ProviderError:
    """A stream ended before the model was done; what came before it stands and is charged."""
    return ProviderError(
        Kind.UPSTREAM,
        f"{provider} cut the stream before the model was done.",
        code="provider_cut",
        provider=provider,
        retryable=False,
    )


def unsupported(provider: str, field: str, reason: str) -> InterlockError:
    """The model cannot do what a field asks for; silence would be a lie."""
    return InterlockError(
        Kind.INVALID,
        f"'{field}' cannot be used with provider '{provider}': {reason}",
        code="unsupported_field",
        data={"field": field, "provider": provider},
        hint=f"Leave '{field}' out, or use a model of another provider.",
    )


def told_by(body: bytes | str | object) -> str:
    """The human part of a provider's error body, trimmed, with anything like a key struck out."""
    value: object = body
    if isinstance(body, bytes | str):
        try:
            value = orjson.loads(body)
        except orjson.JSONDecodeError:
            value = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    for name in ("error", "message"):
        if isinstance(value, list) and value:
            value = value[0]
        if isinstance(value, Mapping) and name in value:
            value = value[name]
    text = value if isinstance(value, str) else ""
    return _SECRET.sub("[key]", " ".join(text.split()))[:_LONGEST]


def _seconds(text: str | None) -> float | None:
    try:
        return None if text is None else max(0.0, float(text))
    except ValueError:
        return None
