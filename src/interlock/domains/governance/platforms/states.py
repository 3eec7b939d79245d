"""The life of a platform's connection."""

from enum import StrEnum

from interlock.kit.states import Lifecycle


class PlatformKind(StrEnum):
    """Which platform calls."""

    ZAPIER = "zapier"
    N8N = "n8n"
    MAKE = "make"


class PlatformStatus(StrEnum):
    """A disconnected one is cut off for good; its URL leads nowhere."""

    CONNECTED = "connected"
    DISCONNECTED = "disconnected"


LIFECYCLE = Lifecycle(
    "platform connection",
    {
        PlatformStatus.CONNECTED: frozenset({PlatformStatus.DISCONNECTED}),
        PlatformStatus.DISCONNECTED: frozenset(),
    },
)
