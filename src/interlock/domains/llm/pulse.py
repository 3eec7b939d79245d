"""What this server has seen of each provider since it started: its newest success and failure, how long it took."""

from dataclasses import dataclass
from datetime import datetime

from interlock.domains.llm.breaker import BreakerState
from interlock.domains.llm.routing import Upstream
from interlock.domains.llm.switchboard import switchboard
from interlock.domains.llm.views import HealthState, ModelHealth, ProviderHealth
from interlock.runtime.context import Ctx

_MOST = 2_000


@dataclass(slots=True)
class Pulse:
    """One provider's."""

    calls: int = 0
    failures: int = 0
    last_success_at: datetime | None = None
    last_failure_at: datetime | None = None
    last_error: str | None = None
    last_latency_ms: int | None = None


class Pulses:
    """Those of all providers, by the key that changes with their configuration."""

    def __init__(self) -> None:
        self._known: dict[str, Pulse] = {}

    def of(self, upstream: Upstream) -> Pulse:
        """A provider's; a fresh one where it was never asked."""
        return self._known.get(upstream.key, Pulse())

    def succeeded(self, ctx: Ctx, upstream: Upstream, latency_ms: int) -> None:
        """It answered, if only to say that the request is wrong."""
        pulse = self._noted(upstream)
        pulse.calls += 1
        pulse.last_success_at, pulse.last_latency_ms = ctx.now, latency_ms

    def failed(self, ctx: Ctx, upstream: Upstream, code: str) -> None:
        """It did not answer, or refused the key."""
        pulse = self._noted(upstream)
        pulse.calls += 1
        pulse.failures += 1
        pulse.last_failure_at, pulse.last_error = ctx.now, code

    def _noted(self, upstream: Upstream) -> Pulse:
        if len(self._known) >= _MOST:
            self._known.clear()
        return self._known.setdefault(upstream.key, Pulse())


def pulses_of(ctx: Ctx) -> Pulses:
    """The process's own."""
    return ctx.runtime.local(Pulses)


def health_of(ctx: Ctx, upstream: Upstream) -> ProviderHealth:
    """A provider as this server knows it now."""
    pulse = pulses_of(ctx).of(upstream)
    troubled = tuple(
        ModelHealth(model=model, breaker=breaker.state, retry_after=round(breaker.retry_after(), 1))
        for (key, model), breaker in switchboard(ctx).breakers.items()
        if key == upstream.key and breaker.state is not BreakerState.CLOSED
    )
    return ProviderHealth(
        name=upstream.name,
        kind=upstream.kind,
        source=upstream.source,
        state=_state(pulse, is_resting=bool(troubled)),
        troubled=troubled,
        last_success_at=pulse.last_success_at,
        last_failure_at=pulse.last_failure_at,
        last_error=pulse.last_error,
        last_latency_ms=pulse.last_latency_ms,
        calls=pulse.calls,
        failures=pulse.failures,
    )


def _state(pulse: Pulse, *, is_resting: bool) -> HealthState:
    if is_resting:
        return HealthState.RESTING
    good, bad = pulse.last_success_at, pulse.last_failure_at
    if bad is not None and (good is None or bad >= good):
        return HealthState.FAILING
    return HealthState.UNKNOWN if good is None else HealthState.HEALTHY
