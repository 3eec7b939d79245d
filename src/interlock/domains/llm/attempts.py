"""Try the targets of a call in order until one answers: short retries, fallback, circuit breakers."""

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from interlock.domains.llm.errors import ProviderError
from interlock.domains.llm.pulse import pulses_of
from interlock.domains.llm.routing import Target
from interlock.domains.llm.switchboard import breaker_of, switchboard
from interlock.kit.errors import InterlockError, Kind
from interlock.runtime.context import Ctx

AnswerT = TypeVar("AnswerT")

_PAUSES = (0.25, 0.75)
_LONGEST_PAUSE = 3.0


async def first_answer(
    ctx: Ctx, targets: Sequence[Target], attempt: Callable[[Target], Awaitable[AnswerT]]
) -> tuple[Target, AnswerT]:
    """The first target that answers, and its answer.

    A request the provider calls wrong, or a key it refuses, ends the search: another provider would hide the mistake.

    Args:
        attempt: sends the call to one target; raises ProviderError, where retryable ones lead to the next attempt.
    """
    failures: list[ProviderError] = []
    for position, target in enumerate(targets):
        is_last = position == len(targets) - 1
        pauses = _PAUSES if is_last else ()
        for number in range(len(pauses) + 1):
            breaker = breaker_of(ctx, target)
            if not breaker.admit():
                failures.append(_resting(target, breaker.retry_after()))
                break
            began = time.perf_counter()
            try:
                answer = await attempt(target)
            except ProviderError as failure:
                pulses_of(ctx).failed(ctx, target.upstream, failure.code)
                if not failure.retryable:
                    breaker.succeeded()
                    raise
                breaker.failed()
                failures.append(failure)
                pause = _pause(failure, pauses[number]) if number < len(pauses) else None
                if pause is None:
                    break
                await switchboard(ctx).sleep(pause)
            except BaseException:
                breaker.abandoned()
                raise
            else:
                breaker.succeeded()
                pulses_of(ctx).succeeded(ctx, target.upstream, round((time.perf_counter() - began) * 1_000))
                return target, answer
    raise _exhausted(failures)


def _pause(failure: ProviderError, planned: float) -> float | None:
    """Seconds before the same target is asked again; None when that is no use."""
    if failure.kind is Kind.UPSTREAM_TIMEOUT:
        return None
    wanted = planned if failure.retry_after is None else max(planned, failure.retry_after)
    return wanted if wanted <= _LONGEST_PAUSE else None


def _resting(target: Target, seconds: float) -> ProviderError:
    return ProviderError(
        Kind.UNAVAILABLE,
        f"{target.id} has failed several times in a row and is not asked for {seconds:.0f} more seconds.",
        code="circuit_open",
        provider=target.upstream.name,
        retryable=True,
        retry_after=seconds,
        hint="Wait, or add a fallback model to the route.",
    )


def _exhausted(failures: Sequence[ProviderError]) -> InterlockError:
    """The failure that is worth telling: the last real one, with what happened to the others."""
    told = next((failure for failure in reversed(failures) if failure.code != "circuit_open"), failures[-1])
    told.data["attempts"] = [{"provider": failure.provider, "code": failure.code} for failure in failures]
    return told
