"""The life of a connected account."""

from enum import StrEnum

from interlock.kit.states import Lifecycle


class ConnectionStatus(StrEnum):
    """An account serves tools until it is disconnected; it can be connected again."""

    CONNECTED = "connected"
    DISCONNECTED = "disconnected"


LIFECYCLE = Lifecycle(
    "connection",
    {
        ConnectionStatus.CONNECTED: frozenset({ConnectionStatus.DISCONNECTED}),
        ConnectionStatus.DISCONNECTED: frozenset({ConnectionStatus.CONNECTED}),
    },
)
