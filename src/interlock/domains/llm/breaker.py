"""A circuit breaker: stops asking a provider that keeps failing, and sends one probe after a pause."""

from datetime import datetime, timedelta
from enum import StrEnum

from interlock.kit.clock import Clock
from interlock.kit.states import Lifecycle


class BreakerState(StrEnum):
    """Closed lets calls through, open refuses them, half-open lets exactly one through to see."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


LIFECYCLE = Lifecycle(
    "circuit breaker",
    {
        BreakerState.CLOSED: frozenset({BreakerState.OPEN}),
        BreakerState.OPEN: frozenset({BreakerState.HALF_OPEN}),
        BreakerState.HALF_OPEN: frozenset({BreakerState.OPEN, BreakerState.CLOSED}),
    },
)


class CircuitBreaker:
    """Guards one model of one provider.

    Args:
        threshold: failures in a row that open it.
        pause: how long it stays open before a probe.
    """

    def __init__(self, clock: Clock, *, threshold: int = 5, pause: timedelta = timedelta(seconds=30)) -> None:
        self._clock = clock
        self._threshold = threshold
        self._pause = pause
        self._failures = 0
        self._opened_at: datetime | None = None
        self._probing = False
        self.state = BreakerState.CLOSED

    def admit(self) -> bool:
        """Whether a call may go out now; every admitted call must report back by one of the three methods below."""
        if self.state is BreakerState.CLOSED:
            return True
        if self.state is BreakerState.OPEN:
            if self.retry_after() > 0:
                return False
            self._move(BreakerState.HALF_OPEN)
        if self._probing:
            return False
        self._probing = True
        return True

    def succeeded(self) -> None:
        """The provider answered, if only to say that the request is wrong."""
        self._failures = 0
        self._probing = False
        if self.state is BreakerState.HALF_OPEN:
            self._move(BreakerState.CLOSED)

    def failed(self) -> None:
        """The provider failed; a failure that was already on its way when the breaker opened changes nothing."""
        self._failures += 1
        if self.state is BreakerState.HALF_OPEN or (
            self.state is BreakerState.CLOSED and self._failures >= self._threshold
        ):
            self._probing = False
            self._opened_at = self._clock.now()
            self._move(BreakerState.OPEN)

    def abandoned(self) -> None:
        """The caller left before there was an answer: nothing was learned."""
        self._probing = False

    def retry_after(self) -> float:
        """Seconds until a probe would be let through."""
        if self.state is not BreakerState.OPEN or self._opened_at is None:
            return 0.0
        return max(0.0, (self._opened_at + self._pause - self._clock.now()).total_seconds())

    def _move(self, state: BreakerState) -> None:
        LIFECYCLE.check(self.state, state)
        self.state = state
