import httpx
import pytest

from interlock.sandbox import Fault, FaultKind, ProviderName, Sandbox
from interlock.sandbox.stripe_data import DOUBLE_CHARGE

POST = "/api/chat.postMessage"
MESSAGE = {"channel": "#general", "text": "hello"}
RATE_LIMIT_MARKS = {
    ProviderName.SLACK: "ratelimited",
    ProviderName.GMAIL: "RESOURCE_EXHAUSTED",
    ProviderName.HUBSPOT: "RATE_LIMITS",
    ProviderName.STRIPE: "rate_limit",
    ProviderName.ZAPIER: "rate limited",
    ProviderName.N8N: "Too many requests",
    ProviderName.MAKE: "Too many requests",
}


def _slack(kind: FaultKind, **more: int) -> Fault:
    return Fault.model_validate({"provider": ProviderName.SLACK, "kind": kind, **more})


@pytest.mark.parametrize("provider", list(ProviderName))
async def test_every_provider_limits_in_its_own_words(
    own: httpx.AsyncClient, sandbox: Sandbox, provider: ProviderName
) -> None:
    planned = await own.post("/_sandbox/faults", json={"provider": provider, "kind": "rate_limited", "retry_after": 7})
    answer = await own.post(f"/{provider}/any/path")
    assert planned.status_code == 201
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
    assert RATE_LIMIT_MARKS[provider] in answer.text
    assert sandbox.state.faults.pending() == []


async def test_a_fault_lasts_its_number_of_calls_and_then_the_call_works(
    slack: httpx.AsyncClient, sandbox: Sandbox
) -> None:
    sandbox.state.faults.add(_slack(FaultKind.SERVER_ERROR, times=2))
    answers = [await slack.post(POST, data=MESSAGE) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [500, 500, 200]
    (effect,) = sandbox.state.effects
    assert sandbox.state.arrivals(effect) == 3


async def test_a_fault_can_wait_for_one_path(slack: httpx.AsyncClient, sandbox: Sandbox) -> None:
    fault = Fault(provider=ProviderName.SLACK, kind=FaultKind.SERVER_ERROR, path_contains="postMessage")
    sandbox.state.faults.add(fault)
    assert (await slack.post("/api/auth.test")).status_code == 200
    assert (await slack.post(POST, data=MESSAGE)).status_code == 500


async def test_a_cut_connection_sends_no_byte(slack: httpx.AsyncClient, sandbox: Sandbox) -> None:
    sandbox.state.faults.add(_slack(FaultKind.CUT))
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        await slack.post(POST, data=MESSAGE)
    assert sandbox.state.effects == []


async def test_a_timeout_is_silence(slack: httpx.AsyncClient, sandbox: Sandbox) -> None:
    sandbox.state.faults.add(_slack(FaultKind.TIMEOUT))
    with pytest.raises(httpx.ReadTimeout):
        await slack.post(POST, data=MESSAGE, timeout=0.05)


async def test_silence_ends_in_a_closed_connection(slack: httpx.AsyncClient, sandbox: Sandbox) -> None:
    sandbox.state.faults.add(Fault(provider=ProviderName.SLACK, kind=FaultKind.TIMEOUT, delay_seconds=0.01))
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        await slack.post(POST, data=MESSAGE)


async def test_garbage_and_lies_come_with_status_200(slack: httpx.AsyncClient, sandbox: Sandbox) -> None:
    sandbox.state.faults.add(_slack(FaultKind.GARBAGE))
    sandbox.state.faults.add(_slack(FaultKind.LYING_200))
    garbage = await slack.post(POST, data=MESSAGE)
    lie = await slack.post(POST, data=MESSAGE)
    assert garbage.status_code == lie.status_code == 200
    with pytest.raises(ValueError, match=r"Expecting|Invalid"):
        garbage.json()
    assert lie.json() == {"ok": False, "error": "internal_error"}
    assert sandbox.state.effects == []


@pytest.mark.parametrize("kind", [FaultKind.CUT, FaultKind.SERVER_ERROR, FaultKind.GARBAGE])
async def test_a_refund_whose_answer_was_lost_happens_once_when_retried_with_its_key(
    stripe: httpx.AsyncClient, sandbox: Sandbox, kind: FaultKind
) -> None:
    sandbox.state.faults.add(Fault(provider=ProviderName.STRIPE, kind=kind, after_effect=True))
    headers = {"idempotency-key": "run_1:call_2"}
    try:
        lost = await stripe.post("/v1/refunds", data={"charge": DOUBLE_CHARGE}, headers=headers)
    except httpx.TransportError:
        assert kind is FaultKind.CUT
    else:
        assert b"re_" not in lost.content
    retried = await stripe.post("/v1/refunds", data={"charge": DOUBLE_CHARGE}, headers=headers)
    (effect,) = sandbox.state.effects
    assert retried.json()["id"] == effect.data["id"]
    assert retried.headers["idempotent-replayed"] == "true"
    assert sandbox.state.arrivals(effect) == 2


async def test_a_message_whose_answer_was_lost_was_still_posted(slack: httpx.AsyncClient, sandbox: Sandbox) -> None:
    sandbox.state.faults.add(_slack(FaultKind.CUT, after_effect=1))
    with pytest.raises(httpx.TransportError):
        await slack.post(POST, data=MESSAGE)
    await slack.post(POST, data=MESSAGE)
    assert [e.data["text"] for e in sandbox.state.effects] == ["hello", "hello"]
