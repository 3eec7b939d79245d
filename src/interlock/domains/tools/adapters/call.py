"""What every adapter gets and gives, and the one way it sends: safe retries, the provider's own words."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from interlock.domains.connectors.views import Account
from interlock.kit.errors import InterlockError, Kind
from interlock.runtime.http import GuardedHttp, HttpReply

_ATTEMPTS = 3
_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 5.0
_LONGEST_WORDS = 300
_TOO_MANY = 429
_UNKNOWN = "It is not known whether it was done."
_NEVER_SENT = "provider_unreachable"
_MAYBE_DONE = frozenset({"provider_timeout", "provider_cut"})


@dataclass(frozen=True, slots=True)
class AdapterCall:
    """One action to perform.

    Args:
        arguments: as the policies let them pass; they satisfy the tool's schema.
        key: the provider's idempotency key; the same for every try of one call.
        account: where to act; None for a tool of the platform itself.
    """

    http: GuardedHttp
    arguments: Mapping[str, Any]
    key: str
    account: Account | None = None

    @property
    def target(self) -> Account:
        """The connected account."""
        if self.account is None:
            raise LookupError("this tool acts on an account, and none was given")
        return self.account


@dataclass(frozen=True, slots=True)
class AdapterResult:
    """What the caller gets, and the provider's own name for what was done."""

    result: dict[str, Any]
    provider_ref: str | None = None


Adapter = Callable[[AdapterCall], Awaitable[AdapterResult]]


@dataclass(frozen=True, slots=True)
class Care:
    """What a tool needs to be handled with, where that depends on its arguments.

    Args:
        repeatable: whether a call with these arguments may be made again after a crash.
        conceal: the arguments in the form evidence and reviewers may see, and the paths that were masked.
        restore: a reviewer's version of stored arguments, with what was masked put back where it was left alone.
    """

    repeatable: Callable[[Mapping[str, Any]], bool]
    conceal: Callable[[dict[str, Any]], tuple[dict[str, Any], tuple[str, ...]]]
    restore: Callable[[dict[str, Any], Mapping[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request to a provider.

    Args:
        path: after the account's base URL.
        repeatable: sending it twice under one key has the effect of sending it once.
        timeout: seconds for one try; the server's own by default, as is the largest answer.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    data: Mapping[str, str] | None = None
    repeatable: bool = False
    content: bytes | None = None
    timeout: float | None = None
    max_bytes: int | None = None


def failure(message: str, *, code: str = "tool_failed", **data: Any) -> InterlockError:
    """The provider did not do it; the message is for whoever called the tool."""
    return InterlockError(Kind.UPSTREAM, message, code=code, data=data)


async def send(call: AdapterCall, request: Outgoing) -> HttpReply:
    """Send to the connected account, as `send_to` does."""
    return await send_to(call.http, call.target.base_url, request)


async def send_to(http: GuardedHttp, base_url: str, request: Outgoing) -> HttpReply:
    """Send, and try again where that cannot do the thing twice.

    A refused connection and a 429 mean that nothing was done. Anything else is tried again only when it is repeatable.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        last = attempt == _ATTEMPTS
        try:
            reply = await http.request(
                request.method,
                base_url + request.path,
                headers=request.headers,
                json=request.json,
                data=request.data,
                content=request.content,
                timeout=request.timeout,
                max_bytes=request.max_bytes,
            )
        except InterlockError as error:
            if last or not _may_repeat(error, repeatable=request.repeatable):
                raise _explained(error, repeatable=request.repeatable) from error
            pause: float | None = _backoff(attempt)
        else:
            pause = _pause_after(reply, attempt, repeatable=request.repeatable)
            if last or pause is None:
                return reply
        await asyncio.sleep(pause or 0)
    raise AssertionError("the last attempt returns or raises")


def _backoff(attempt: int) -> float:
    return _FIRST_PAUSE * 2.0 ** (attempt - 1)


def _may_repeat(error: InterlockError, *, repeatable: bool) -> bool:
    return error.code == _NEVER_SENT or (repeatable and error.code in _MAYBE_DONE)


def _explained(error: InterlockError, *, repeatable: bool) -> InterlockError:
    """Where the request left and no answer came, say that nobody knows what happened."""
    if error.code not in _MAYBE_DONE or repeatable:
        return error
    message = f"{error.message} {_UNKNOWN}"
    return InterlockError(error.kind, message, code=error.code, data={**error.data, "outcome_unknown": True})


def _pause_after(reply: HttpReply, attempt: int, *, repeatable: bool) -> float | None:
    """Seconds to wait before trying again; None when the answer stands."""
    if reply.status == _TOO_MANY:
        asked = reply.headers.get("Retry-After", "")
        seconds = float(asked) if asked.isdigit() else _backoff(attempt)
        return seconds if seconds <= _LONGEST_PAUSE else None
    in_progress = reply.status == 409 and b"idempotency_key_in_use" in reply.body
    if repeatable and (reply.status >= 500 or in_progress):
        return _backoff(attempt)
    return None


def words(text: object) -> str:
    """A provider's words on one line, cut short."""
    line = " ".join("".join(char if char.isprintable() else " " for char in str(text)[:2_000]).split())
    return line if len(line) <= _LONGEST_WORDS else line[: _LONGEST_WORDS - 1] + "…"


def json_object(reply: HttpReply, provider: str) -> dict[str, Any]:
    """The answer as a JSON object, whatever its status."""
    try:
        value = orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        value = None
    if isinstance(value, dict):
        return value
    message = f"{provider} answered {reply.status} with something unreadable. {_UNKNOWN}"
    raise failure(message, code="provider_bad_response", status=reply.status, outcome_unknown=True)


def refusal(provider: str, status: int, message: object) -> InterlockError:
    """The provider's refusal in its own words; a breakdown at its side leaves open what was done."""
    said = words(message or "no reason given")
    if status >= 500:
        return failure(f"{provider} failed ({status}): {said} {_UNKNOWN}", status=status, outcome_unknown=True)
    return failure(f"{provider} refused ({status}): {said}", status=status)
