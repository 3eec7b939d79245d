"""What a server knows of its providers without asking them: the newest answers, failures, and who rests."""

from datetime import timedelta

import pytest

from interlock.domains.llm import service as llm
from interlock.domains.llm.breaker import BreakerState
from interlock.domains.llm.views import HealthState, ProviderHealth, ProviderKind
from interlock.kit.errors import InterlockError
from interlock.kit.operations import Nothing
from tests.domains.llm.gateway import START, Gateway
from tests.domains.llm.test_routing import ask
from tests.fakes.llm import Fault, FaultKind, Reply, serve_openai


async def health(gateway: Gateway, name: str = "openai") -> ProviderHealth:
    return next(each for each in await gateway.call(llm.health, Nothing()) if each.name == name)


async def test_a_provider_is_known_by_its_newest_answer(gateway: Gateway) -> None:
    async with serve_openai() as gpt:
        await gateway.provider(ProviderKind.OPENAI, gpt.base_url)
        assert (await health(gateway)).state is HealthState.UNKNOWN
        gpt.script.enqueue(Reply("hello"))
        await ask(gateway, "gpt-4o-mini")
        seen = await health(gateway)
        assert (seen.state, seen.last_success_at, seen.calls, seen.failures) == (HealthState.HEALTHY, START, 1, 0)
        assert seen.last_latency_ms is not None
        gateway.clock.advance(timedelta(minutes=1))
        gpt.script.enqueue(Fault(FaultKind.UNAUTHORIZED))
        with pytest.raises(InterlockError) as raised:
            await ask(gateway, "gpt-4o-mini")
        seen = await health(gateway)
        assert (seen.state, seen.last_failure_at) == (HealthState.FAILING, START + timedelta(minutes=1))
        assert seen.last_error == raised.value.code


async def test_a_model_that_is_left_alone_is_named(gateway: Gateway) -> None:
    async with serve_openai() as gpt:
        await gateway.provider(ProviderKind.OPENAI, gpt.base_url)
        gpt.script.enqueue(*[Fault(FaultKind.SERVER_ERROR)] * 5)
        for _ in range(2):
            with pytest.raises(InterlockError):
                await ask(gateway, "gpt-4o-mini")
        seen = await health(gateway)
        assert (seen.state, seen.failures) == (HealthState.RESTING, 5)
        assert [(each.model, each.breaker) for each in seen.troubled] == [("gpt-4o-mini", BreakerState.OPEN)]
        assert 0 < seen.troubled[0].retry_after <= 30


async def test_a_test_by_hand_counts(gateway: Gateway) -> None:
    await gateway.provider(ProviderKind.OPENAI, "http://127.0.0.1:9/v1")
    assert not (await gateway.call(llm.test_provider, llm.TestProvider(name="openai"))).ok
    assert (await health(gateway)).state is HealthState.FAILING
    assert (await gateway.call(llm.test_provider, llm.TestProvider(name="local"))).ok
    assert (await health(gateway, "local")).state is HealthState.HEALTHY
