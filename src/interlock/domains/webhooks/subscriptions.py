"""What happens to subscriptions beside the operations on them: their secrets, and being disabled."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Row

from interlock.domains.notifications import service as notifications
from interlock.domains.notifications.states import NotificationKind, NotificationLevel
from interlock.domains.webhooks.events import SubscriptionDisabled
from interlock.domains.webhooks.repository import Subscriptions
from interlock.domains.webhooks.states import SubscriptionStatus
from interlock.domains.webhooks.views import SubscriptionId
from interlock.runtime.context import Ctx

MOST_DEAD_IN_A_ROW = 5
FORMER_SECRET_SIGNS = timedelta(hours=24)
_PURPOSE = "webhook subscription:{}"


def sealed(ctx: Ctx, key: SubscriptionId, secret: str) -> bytes:
    """A secret as it is stored."""
    return ctx.runtime.secrets.encrypt(secret.encode(), purpose=_PURPOSE.format(key))


def secrets_of(ctx: Ctx, key: SubscriptionId, row: Row[Any]) -> tuple[str, str | None]:
    """The secret that signs, and the one it replaced less than a day ago."""
    purpose = _PURPOSE.format(key)
    secret = ctx.runtime.secrets.decrypt(row.secret, purpose=purpose).decode()
    if row.former_secret is None or row.rotated_at is None or ctx.now > row.rotated_at + FORMER_SECRET_SIGNS:
        return secret, None
    return secret, ctx.runtime.secrets.decrypt(row.former_secret, purpose=purpose).decode()


async def given_up(ctx: Ctx, key: SubscriptionId) -> None:
    """Note a delivery that was given up; after several in a row nothing more is sent there."""
    row = await Subscriptions(ctx).given_up(key)
    if row is not None and row.dead_in_a_row >= MOST_DEAD_IN_A_ROW and row.status is SubscriptionStatus.ACTIVE:
        await disable(ctx, key, f"{row.dead_in_a_row} deliveries in a row were given up.")


async def disable(ctx: Ctx, key: SubscriptionId, reason: str) -> None:
    """Stop telling an address, and say so; nothing happens where it is disabled already."""
    url = await Subscriptions(ctx).disable(key, reason)
    if url is None:
        return
    await ctx.emit(SubscriptionDisabled(subscription_id=key, url=url, reason=reason))
    news = notifications.NewNotification(
        kind=NotificationKind.SUBSCRIPTION_DISABLED,
        level=NotificationLevel.ERROR,
        title="A webhook subscription was turned off",
        body=f"{reason} {urlsplit(url).hostname} is told of nothing until the subscription is set to active again.",
        subject_kind="webhook_subscription",
        subject_id=str(key),
    )
    await notifications.notify(ctx, news)
