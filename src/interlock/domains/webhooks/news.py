"""From an event to the deliveries that tell of it: one for each subscription that wants to know."""

from pydantic import BaseModel

from interlock.domains.webhooks import courier
from interlock.domains.webhooks.catalogue import body_of, fits
from interlock.domains.webhooks.repository import Deliveries, audiences
from interlock.domains.webhooks.states import DeliveryState
from interlock.domains.webhooks.views import DeliveryId, SubscriptionId
from interlock.runtime.context import Ctx


async def tell(ctx: Ctx, name: str, data: BaseModel) -> None:
    """Note an event for every subscription that it fits, in this unit of work; brought again, it adds nothing.

    Args:
        ctx: of the outbox's delivery, whose request id is the same when the event is brought again.
    """
    for audience in await audiences(ctx):
        if fits(audience.events, name):
            await note(ctx, DeliveryId.new(), audience.id, name, data, source=ctx.request_id)


async def note(
    ctx: Ctx, key: DeliveryId, subscription_id: SubscriptionId, name: str, data: BaseModel, *, source: str
) -> None:
    """Note one delivery; the courier fetches it once this unit of work is durable."""
    await Deliveries(ctx).put(
        key,
        subscription_id=subscription_id,
        event=name,
        source=source,
        body=body_of(name, ctx.now, data),
        state=DeliveryState.PENDING,
        attempts=0,
        log=[],
        last_status=None,
        last_error=None,
        created_at=ctx.now,
        next_attempt_at=ctx.now,
        settled_at=None,
    )
    courier.fetch_soon(ctx)
