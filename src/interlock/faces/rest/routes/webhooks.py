"""Routes about webhooks: addresses that start work, and who outside is told of what."""

from interlock.domains.webhooks.service import calls, deliveries, hooks, subscriptions
from interlock.faces.rest.binding import NativeRoute, route
from interlock.faces.rest.wire.base import Deleted
from interlock.faces.rest.wire.webhooks import (
    DeliveryDetailReply,
    DeliveryReply,
    EventTypeReply,
    HookCallDetailReply,
    HookCallReply,
    HookReply,
    HookSecretReply,
    SubscriptionReply,
    SubscriptionSecretReply,
)

# Paths with a word in the place of an id come first.
ROUTES: tuple[NativeRoute, ...] = (
    route("GET", "/api/v1/hooks", hooks.list_, list[HookReply]),
    route("POST", "/api/v1/hooks", hooks.create, HookSecretReply),
    route("GET", "/api/v1/hooks/{hook_id}", hooks.get, HookReply),
    route("PATCH", "/api/v1/hooks/{hook_id}", hooks.update, HookReply),
    route("DELETE", "/api/v1/hooks/{hook_id}", hooks.delete, Deleted),
    route("POST", "/api/v1/hooks/{hook_id}/rotate-secret", hooks.rotate_secret, HookSecretReply),
    route("GET", "/api/v1/hooks/{hook_id}/calls", calls.calls, list[HookCallReply]),
    route("GET", "/api/v1/hooks/{hook_id}/calls/{call_id}", calls.get_call, HookCallDetailReply),
    route("POST", "/api/v1/hooks/{hook_id}/calls/{call_id}/replay", calls.replay_call, HookCallReply),
    route("GET", "/api/v1/webhooks", subscriptions.list_, list[SubscriptionReply]),
    route("POST", "/api/v1/webhooks", subscriptions.subscribe, SubscriptionSecretReply),
    route("GET", "/api/v1/webhooks/events", subscriptions.events, list[EventTypeReply]),
    route("GET", "/api/v1/webhooks/deliveries", deliveries.list_deliveries, list[DeliveryReply]),
    route("GET", "/api/v1/webhooks/deliveries/{delivery_id}", deliveries.get_delivery, DeliveryDetailReply),
    route("POST", "/api/v1/webhooks/deliveries/{delivery_id}/retry", deliveries.retry, DeliveryReply),
    route("GET", "/api/v1/webhooks/{subscription_id}", subscriptions.get, SubscriptionReply),
    route("PATCH", "/api/v1/webhooks/{subscription_id}", subscriptions.update, SubscriptionReply),
    route("DELETE", "/api/v1/webhooks/{subscription_id}", subscriptions.delete, Deleted),
    route("POST", "/api/v1/webhooks/{subscription_id}/ping", deliveries.ping, DeliveryReply),
    route(
        "POST", "/api/v1/webhooks/{subscription_id}/rotate-secret", subscriptions.rotate_secret, SubscriptionSecretReply
    ),
)
