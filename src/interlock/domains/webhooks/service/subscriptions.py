"""Operations on subscriptions: which address is told of which events.

Scope admin: whoever makes one decides who outside learns what happens in the workspace.
"""

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr

from interlock.domains.settings.service import WebhookUrl
from interlock.domains.webhooks import subscriptions
from interlock.domains.webhooks.catalogue import EVENT_TYPES, PING, fits
from interlock.domains.webhooks.repository import Subscriptions
from interlock.domains.webhooks.states import SUBSCRIPTION_LIFECYCLE, SignatureStyle, SubscriptionStatus
from interlock.domains.webhooks.views import EventType, Subscription, SubscriptionId, SubscriptionSecret
from interlock.kit.errors import conflict, invalid
from interlock.kit.operations import Command, Effect, Nothing, operation
from interlock.kit.paging import Page, PageQuery
from interlock.kit.patch import changes
from interlock.kit.signatures import new_secret
from interlock.runtime.addresses import refusal
from interlock.runtime.context import Ctx

MOST_SUBSCRIPTIONS = 100
_SHOWN_END = 4


def _one_word(secret: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[!-~]+", secret.get_secret_value()):
        raise ValueError("must be printable ASCII without blanks")
    return secret


Pattern = Annotated[
    str,
    Field(max_length=80, pattern=r"^[a-z_.*]+$", description="An event's name, or a glob such as run.* or *."),
]
Patterns = Annotated[tuple[Pattern, ...], Field(min_length=1, max_length=50)]
Styles = Annotated[
    tuple[SignatureStyle, ...],
    Field(max_length=2, description="Further signature headers, beside those of Standard Webhooks."),
]
Description = Annotated[str, Field(max_length=500, pattern=r"^[^\x00]*$")]
Secret = Annotated[
    SecretStr,
    Field(
        min_length=16,
        max_length=200,
        json_schema_extra={"pattern": "^[!-~]+$"},
        description="Signs each call; best 'whsec_' and 32 random bytes in base64. Absent: one is made. Shown once.",
    ),
    AfterValidator(_one_word),
]


class Subscribe(Command):
    """An address, and the events it is told of."""

    url: WebhookUrl
    events: Patterns
    description: Description | None = None
    styles: Styles = ()
    secret: Secret | None = None


class UpdateSubscription(Command):
    """The fields to change; absent ones stay. Status active also wakes a subscription that was disabled."""

    subscription_id: SubscriptionId
    url: WebhookUrl | None = None
    events: Patterns | None = None
    description: Description | None = None
    styles: Styles | None = None
    status: Literal[SubscriptionStatus.ACTIVE, SubscriptionStatus.PAUSED] | None = None


class SubscriptionRef(Command):
    """Which subscription."""

    subscription_id: SubscriptionId


class RotateSecret(Command):
    """Which subscription, and its new secret."""

    subscription_id: SubscriptionId
    secret: Secret | None = None


class ListSubscriptions(PageQuery):
    """Which subscriptions, and which page of them."""

    status: SubscriptionStatus | None = None


@operation("webhooks.subscribe", scope="admin", effect=Effect.WRITE)
async def subscribe(ctx: Ctx, command: Subscribe) -> SubscriptionSecret:
    """Have an address told of events by signed calls; the secret is shown this once."""
    _check_address(ctx, command.url)
    _check_events(command.events)
    found = Subscriptions(ctx)
    await (await ctx.session()).lock(f"webhooks:{ctx.workspace_id}")
    if await found.count() >= MOST_SUBSCRIPTIONS:
        raise conflict(f"There are {MOST_SUBSCRIPTIONS} subscriptions already; delete one first.")
    key, secret = SubscriptionId.new(), _chosen(command.secret)
    subscription = await found.add(
        key,
        url=command.url,
        events=list(command.events),
        styles=sorted(set(command.styles)),
        description=command.description,
        status=SubscriptionStatus.ACTIVE,
        status_reason=None,
        secret=subscriptions.sealed(ctx, key, secret),
        secret_end=secret[-_SHOWN_END:],
        former_secret=None,
        dead_in_a_row=0,
        created_at=ctx.now,
        updated_at=ctx.now,
        rotated_at=None,
    )
    return SubscriptionSecret(**dict(subscription), secret=secret)


@operation("webhooks.get", scope="admin")
async def get(ctx: Ctx, command: SubscriptionRef) -> Subscription:
    """Show one subscription without its secret."""
    return await Subscriptions(ctx).get(command.subscription_id)


@operation("webhooks.list", scope="admin")
async def list_(ctx: Ctx, command: ListSubscriptions) -> Page[Subscription]:
    """List the addresses that are told of events, newest first."""
    return await Subscriptions(ctx).page(command, {"status": command.status})


@operation("webhooks.update", scope="admin", effect=Effect.WRITE)
async def update(ctx: Ctx, command: UpdateSubscription) -> Subscription:
    """Change a subscription, or pause and wake it; what is under way while it sleeps is dropped."""
    values = changes(command, "subscription_id")
    for required in ("url", "events", "styles", "status"):
        if required in values and values[required] is None:
            raise invalid(f"'{required}' cannot be null; leave it out to keep it.", field=required)
    found = Subscriptions(ctx)
    current = await found.get(command.subscription_id)
    if command.url is not None:
        _check_address(ctx, command.url)
    if command.events is not None:
        _check_events(command.events)
        values["events"] = list(command.events)
    if command.styles is not None:
        values["styles"] = sorted(set(command.styles))
    if command.status is not None and command.status is not current.status:
        SUBSCRIPTION_LIFECYCLE.check(current.status, command.status)
        values |= {"status_reason": None, "dead_in_a_row": 0}
    return await found.change(command.subscription_id, {**values, "updated_at": ctx.now})


@operation("webhooks.delete", scope="admin", effect=Effect.WRITE)
async def delete(ctx: Ctx, command: SubscriptionRef) -> SubscriptionId:
    """Stop telling an address for good; what was told before stays on record."""
    await Subscriptions(ctx).remove(command.subscription_id)
    return command.subscription_id


@operation("webhooks.rotate_secret", scope="admin", effect=Effect.WRITE)
async def rotate_secret(ctx: Ctx, command: RotateSecret) -> SubscriptionSecret:
    """Replace a subscription's secret; for a day calls carry the former secret's signature beside the new one's."""
    found = Subscriptions(ctx)
    row = await found.with_secrets(command.subscription_id)
    if row is None:
        await found.get(command.subscription_id)
        raise conflict("This subscription is being changed by someone else.")
    secret = _chosen(command.secret)
    values = {
        "secret": subscriptions.sealed(ctx, command.subscription_id, secret),
        "secret_end": secret[-_SHOWN_END:],
        "former_secret": row.secret,
        "rotated_at": ctx.now,
        "updated_at": ctx.now,
    }
    subscription = await found.change(command.subscription_id, values)
    return SubscriptionSecret(**dict(subscription), secret=secret)


@operation("webhooks.events")
async def events(ctx: Ctx, command: Nothing) -> tuple[EventType, ...]:
    """List the events that can be told, with the JSON schema of each one's data."""
    return EVENT_TYPES


def _chosen(secret: SecretStr | None) -> str:
    return new_secret() if secret is None else secret.get_secret_value()


def _check_address(ctx: Ctx, url: str) -> None:
    """Refuse a numeric address that would be refused at every call; where a name leads is judged when it is called."""
    host = urlsplit(url).hostname or ""
    try:
        reason = refusal(host, ctx.settings.http_allow_private)
    except ValueError:  # a name
        return
    if reason is not None:
        raise invalid(
            f"The server does not connect to '{host}': it is a {reason} address.",
            field="url",
            hint="If this target is meant, add its network to INTERLOCK_HTTP_ALLOW_PRIVATE.",
        )


def _check_events(patterns: tuple[str, ...]) -> None:
    """Refuse a glob that no event will ever fit."""
    names = [known.name for known in EVENT_TYPES if known.name != PING]
    for pattern in patterns:
        if not any(fits((pattern,), name) for name in names):
            raise invalid(f"No event fits '{pattern}'.", field="events", hint=f"Known: {', '.join(names)}.")
