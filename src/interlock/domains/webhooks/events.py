"""News of the webhooks domain."""

from typing import ClassVar

from interlock.domains.webhooks.views import SubscriptionId
from interlock.runtime.events import Event


class SubscriptionDisabled(Event):
    """The server stopped telling an address, because it no longer answers."""

    name: ClassVar[str] = "webhooks.subscription_disabled"

    subscription_id: SubscriptionId
    url: str
    reason: str
