"""The circuit breaker, against a model of what it promises."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from interlock.domains.llm.breaker import BreakerState, CircuitBreaker
from interlock.kit.clock import FixedClock

PAUSE = timedelta(seconds=30)
START = datetime(2026, 1, 1, tzinfo=UTC)
STEPS = st.lists(st.sampled_from(["succeed", "fail", "leave", "wait", "wait a little"]), max_size=60)


def test_it_opens_after_failures_in_a_row_and_sends_one_probe_after_the_pause() -> None:
    clock = FixedClock(START)
    breaker = CircuitBreaker(clock, threshold=2, pause=PAUSE)
    for _ in range(2):
        assert breaker.admit()
        breaker.failed()
    assert not breaker.admit()
    assert breaker.retry_after() == 30
    clock.advance(PAUSE)
    assert breaker.admit()
    assert not breaker.admit()
    breaker.succeeded()
    assert breaker.state is BreakerState.CLOSED


def test_a_success_forgets_earlier_failures() -> None:
    breaker = CircuitBreaker(FixedClock(START), threshold=2, pause=PAUSE)
    for _ in range(5):
        breaker.failed()
        breaker.succeeded()
    assert breaker.admit()


@given(STEPS, st.integers(1, 5))
def test_whatever_happens_it_refuses_only_while_open_and_never_for_ever(steps: list[str], threshold: int) -> None:
    clock = FixedClock(START)
    breaker = CircuitBreaker(clock, threshold=threshold, pause=PAUSE)
    in_a_row = 0
    for step in steps:
        if step.startswith("wait"):
            clock.advance(PAUSE if step == "wait" else timedelta(seconds=1))
            continue
        before = breaker.state
        if not breaker.admit():
            assert before is BreakerState.OPEN
            assert breaker.retry_after() > 0
            assert in_a_row >= threshold
            continue
        if step == "succeed":
            breaker.succeeded()
            in_a_row = 0
            assert breaker.state is BreakerState.CLOSED
        elif step == "fail":
            breaker.failed()
            in_a_row += 1
            assert (breaker.state is BreakerState.OPEN) == (in_a_row >= threshold)
        else:
            breaker.abandoned()
    clock.advance(PAUSE)
    assert breaker.admit()


@given(st.integers(0, 20))
def test_calls_already_on_their_way_do_not_disturb_an_open_breaker(late: int) -> None:
    clock = FixedClock(START)
    breaker = CircuitBreaker(clock, threshold=1, pause=PAUSE)
    breaker.failed()
    clock.advance(timedelta(seconds=20))
    for _ in range(late):
        breaker.failed()
    assert breaker.state is BreakerState.OPEN
    assert breaker.retry_after() == 10
