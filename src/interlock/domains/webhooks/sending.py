"""One attempt to tell one address: outside any unit of work, then what became of it in one.

A server that dies in between makes it again under the same `webhook-id`: at least once, and receivers can tell.
"""

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from sqlalchemy import Row

from interlock.domains.webhooks import subscriptions
from interlock.domains.webhooks.call_log import shown_headers
from interlock.domains.webhooks.repository import Deliveries, Due, Subscriptions
from interlock.domains.webhooks.states import DeliveryState, SignatureStyle, SubscriptionStatus
from interlock.kit.clock import iso_seconds
from interlock.kit.errors import InterlockError
from interlock.kit.signatures import key_of, plain_signature, standard_headers
from interlock.runtime.context import Ctx

PAUSES = tuple(timedelta(seconds=pause) for pause in (10, 60, 300, 1_800, 7_200))
MOST_ATTEMPTS = len(PAUSES) + 1
SECONDS = 10.0
_JITTER = 0.2
_LONGEST_PAUSE = timedelta(hours=24)
_ASKING_TO_WAIT = frozenset({429, 503})
_GONE = 410
_EXCERPT = 1_024
_READ = 65_536
_LONGEST_LOG = 20
_LONGEST_ERROR = 500


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended: the reply's status and beginning, or why there was none."""

    status: int | None = None
    error: str | None = None
    response: str | None = None
    retry_after: timedelta | None = None
    latency_ms: int = 0
    url: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def arrived(self) -> bool:
        """Whether the receiver took it: any 2xx."""
        return self.error is None and self.status is not None and 200 <= self.status < 300


async def attempt(ctx: Ctx, due: Due) -> None:
    """Make the next attempt of a delivery and write down how it ended."""
    async with ctx.begin(write=False) as reading:
        target = await Subscriptions(reading).with_secrets(due.subscription_id)
    if target is None or target.status is not SubscriptionStatus.ACTIVE:
        words = "was deleted" if target is None else f"is {target.status.value}"
        async with ctx.begin() as unit:
            await _settle(unit, due, DeliveryState.DROPPED, f"The subscription {words}.")
        return
    outcome = await send(ctx, due, target)
    async with ctx.begin() as unit:
        await record(unit, due, outcome)


async def send(ctx: Ctx, due: Due, target: Row[Any]) -> Outcome:
    """Call the address; whatever goes wrong is part of the answer."""
    headers = _headers(ctx, due, target)
    outcome = await _call(ctx, due, target.url, headers)
    return replace(outcome, url=target.url, headers={"content-type": "application/json", **shown_headers(headers)})


async def _call(ctx: Ctx, due: Due, url: str, headers: dict[str, str]) -> Outcome:
    began = time.monotonic()
    try:
        call = ctx.runtime.http.stream(
            "POST", url, headers=headers, content=due.body, timeout=SECONDS, idle_timeout=SECONDS
        )
        async with call as reply:
            status, waits = reply.status, _retry_after(reply.headers.get("Retry-After", ""), ctx.now)
            response = await _beginning(reply.chunks())
    except InterlockError as error:
        return Outcome(error.data.get("status"), error.message[:_LONGEST_ERROR], latency_ms=_since(began))
    error_text = None if 200 <= status < 300 else f"The address answered with status {status}."
    return Outcome(status, error_text, response, waits, _since(began))


async def record(ctx: Ctx, due: Due, outcome: Outcome) -> None:
    """What an attempt's end means for the delivery and for its subscription."""
    made = due.attempts + 1
    if outcome.arrived:
        state, pause = DeliveryState.DELIVERED, None
    elif made < MOST_ATTEMPTS and outcome.status != _GONE:
        state, pause = DeliveryState.PENDING, pause_after(made, outcome)
    else:
        state, pause = DeliveryState.DEAD, None
    entry = {
        "at": iso_seconds(ctx.now),
        "status": outcome.status,
        "latency_ms": outcome.latency_ms,
        "error": outcome.error,
        "response": outcome.response,
        "url": outcome.url,
        "headers": dict(outcome.headers),
    }
    is_first = await Deliveries(ctx).record(
        due,
        new_state=state,
        made=made,
        entries=[*due.log, entry][-_LONGEST_LOG:],
        status=outcome.status,
        error=outcome.error,
        next=None if pause is None else ctx.now + pause,
        settled=None if pause is not None else ctx.now,
    )
    if not is_first:
        return
    if outcome.arrived:
        await Subscriptions(ctx).arrived(due.subscription_id)
    elif outcome.status == _GONE:
        await subscriptions.disable(ctx, due.subscription_id, "The address answered 410: it is gone for good.")
    elif made == MOST_ATTEMPTS:  # one more by hand is no news
        await subscriptions.given_up(ctx, due.subscription_id)


def pause_after(made: int, outcome: Outcome) -> timedelta:
    """How long to wait: longer each time, never quite the same, and no shorter than the receiver asks for."""
    spread = 1 + random.uniform(0, _JITTER)  # noqa: S311 - it only keeps senders from marching in step
    pause = PAUSES[made - 1] * spread
    if outcome.status in _ASKING_TO_WAIT and outcome.retry_after is not None:
        pause = max(pause, min(outcome.retry_after, _LONGEST_PAUSE))
    return pause


async def _settle(ctx: Ctx, due: Due, state: DeliveryState, error: str) -> None:
    await Deliveries(ctx).record(
        due,
        new_state=state,
        made=due.attempts,
        entries=list(due.log),
        status=None,
        error=error,
        next=None,
        settled=ctx.now,
    )


def _headers(ctx: Ctx, due: Due, target: Row[Any]) -> dict[str, str]:
    """The signatures of the styles asked for; Standard Webhooks always."""
    secret, former = subscriptions.secrets_of(ctx, due.subscription_id, target)
    keys = [key_of(each) for each in (secret, former) if each is not None]
    headers = dict(standard_headers(str(due.id), ctx.now, due.body, keys))
    plain = plain_signature(due.body, secret)
    if SignatureStyle.STRATAM in target.styles:
        headers |= {
            "X-Stratam-Signature": plain,
            "X-Stratam-Event": due.event,
            "X-Stratam-Delivery": str(due.id),
        }
    if SignatureStyle.STRYDA in target.styles:
        headers["X-Stryda-Signature"] = plain
    return headers


async def _beginning(chunks: Any) -> str:
    """The beginning of a reply's body. What goes wrong in it takes nothing from the status that was given."""
    body = b""
    try:
        async for chunk in chunks:
            body += chunk
            if len(body) > _READ:  # reading it all keeps the connection for the next call, up to a point
                break
    except InterlockError as error:
        return f"{_text(body)} [{error.message}]"[:_EXCERPT]
    return _text(body)


def _text(body: bytes) -> str:
    return body[:_EXCERPT].decode("utf-8", "replace").replace("\x00", "�")


def _retry_after(text: str, now: datetime) -> timedelta | None:
    """Seconds or an HTTP date (RFC 9110, 10.2.3); None for anything else."""
    if text.isascii() and text.isdigit():
        return timedelta(seconds=min(int(text[:9]), _LONGEST_PAUSE.total_seconds()))
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now, timedelta(0))


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1_000)
