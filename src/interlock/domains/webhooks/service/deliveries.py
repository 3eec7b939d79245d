"""Operations on deliveries: what was told, what became of it, once more, and a test."""

from typing import Annotated

from pydantic import Field

from interlock.domains.webhooks import courier
from interlock.domains.webhooks.catalogue import PING, PingNews
from interlock.domains.webhooks.news import note
from interlock.domains.webhooks.repository import Deliveries, Subscriptions
from interlock.domains.webhooks.service.subscriptions import SubscriptionRef
from interlock.domains.webhooks.states import DeliveryState, SubscriptionStatus
from interlock.domains.webhooks.views import Delivery, DeliveryDetail, DeliveryId, SubscriptionId
from interlock.kit.errors import conflict
from interlock.kit.operations import Command, Effect, operation
from interlock.kit.paging import Page, PageQuery
from interlock.runtime.context import Ctx


class ListDeliveries(PageQuery):
    """Which deliveries, and which page of them."""

    subscription_id: SubscriptionId | None = None
    state: DeliveryState | None = None
    event: Annotated[str, Field(max_length=80)] | None = None


class DeliveryRef(Command):
    """Which delivery."""

    delivery_id: DeliveryId


@operation("webhooks.list_deliveries", scope="admin")
async def list_deliveries(ctx: Ctx, command: ListDeliveries) -> Page[Delivery]:
    """List what was told to which address, newest first."""
    filters = {"subscription_id": command.subscription_id, "state": command.state, "event": command.event}
    return await Deliveries(ctx).page(command, filters)


@operation("webhooks.get_delivery", scope="admin")
async def get_delivery(ctx: Ctx, command: DeliveryRef) -> DeliveryDetail:
    """Show one delivery with what was sent and every attempt."""
    return await Deliveries(ctx).detail(command.delivery_id)


@operation("webhooks.retry", scope="admin", effect=Effect.WRITE)
async def retry(ctx: Ctx, command: DeliveryRef) -> Delivery:
    """Make the next attempt of a delivery now, also of one that was given up or has arrived; its id stays."""
    deliveries = Deliveries(ctx)
    seen = await deliveries.get(command.delivery_id)
    await _require_active(ctx, seen.subscription_id)
    again = await deliveries.move(seen, DeliveryState.PENDING, next_attempt_at=ctx.now, settled_at=None)
    courier.fetch_soon(ctx)
    return again


@operation("webhooks.ping", scope="admin", effect=Effect.WRITE)
async def ping(ctx: Ctx, command: SubscriptionRef) -> Delivery:
    """Send a test event to one subscription, whatever it listens to."""
    key = command.subscription_id
    await Subscriptions(ctx).get(key)
    await _require_active(ctx, key)
    delivery_id = DeliveryId.new()
    await note(ctx, delivery_id, key, PING, PingNews(subscription_id=key), source=str(delivery_id))
    return await Deliveries(ctx).get(delivery_id)


async def _require_active(ctx: Ctx, key: SubscriptionId) -> None:
    subscription = await Subscriptions(ctx).find(key)
    if subscription is None:
        raise conflict("The subscription was deleted, so nothing can be sent to it.")
    if subscription.status is not SubscriptionStatus.ACTIVE:
        raise conflict(
            f"The subscription is {subscription.status.value}.",
            hint="Set its status to active.",
            status=subscription.status.value,
        )
