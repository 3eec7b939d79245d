"""The life of a reservation."""

from enum import StrEnum

from interlock.kit.states import Lifecycle


class ReservationStatus(StrEnum):
    """Held until the cost is known, given back, or too old."""

    HELD = "held"
    SETTLED = "settled"
    RELEASED = "released"
    EXPIRED = "expired"


LIFECYCLE = Lifecycle(
    "reservation",
    {
        ReservationStatus.HELD: frozenset(
            {ReservationStatus.SETTLED, ReservationStatus.RELEASED, ReservationStatus.EXPIRED}
        ),
        ReservationStatus.SETTLED: frozenset(),
        ReservationStatus.RELEASED: frozenset(),
        ReservationStatus.EXPIRED: frozenset(),
    },
)
