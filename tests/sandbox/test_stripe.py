import asyncio
from typing import Any

import httpx

from interlock.sandbox import ProviderName, Sandbox, SandboxSettings
from interlock.sandbox.stripe_data import (
    DISPUTED_CHARGE,
    DOUBLE_CHARGE,
    FIRST_CHARGE,
    PARTLY_REFUNDED_CHARGE,
    REFUNDED_CHARGE,
)

REFUNDS = "/v1/refunds"


def _key(value: str) -> dict[str, str]:
    return {"idempotency-key": value}


def _error(answer: httpx.Response) -> dict[str, Any]:
    error: dict[str, Any] = answer.json()["error"]
    return error


async def test_a_refund_changes_its_charge_and_is_listed(stripe: httpx.AsyncClient, sandbox: Sandbox) -> None:
    fields = {"charge": DOUBLE_CHARGE, "reason": "duplicate", "metadata[order]": "NW-10482"}
    answer = await stripe.post(REFUNDS, data=fields, headers=_key("run_1:call_1"))
    refund = answer.json()
    assert answer.status_code == 200
    assert (refund["object"], refund["amount"], refund["currency"], refund["status"]) == (
        "refund",
        6490,
        "usd",
        "succeeded",
    )
    assert refund["metadata"] == {"order": "NW-10482"}
    assert answer.headers["request-id"].startswith("req_")
    charge = (await stripe.get(f"/v1/charges/{DOUBLE_CHARGE}")).json()
    assert (charge["amount_refunded"], charge["refunded"]) == (6490, True)
    listed = (await stripe.get(REFUNDS, params={"charge": DOUBLE_CHARGE})).json()
    assert (listed["object"], listed["has_more"], [r["id"] for r in listed["data"]]) == ("list", False, [refund["id"]])
    (effect,) = sandbox.state.effects_of(ProviderName.STRIPE)
    assert effect.idempotency_key == "run_1:call_1"


async def test_the_same_key_and_parameters_replay_the_first_answer(stripe: httpx.AsyncClient, sandbox: Sandbox) -> None:
    first = await stripe.post(REFUNDS, data={"charge": DOUBLE_CHARGE, "amount": 100}, headers=_key("k"))
    again = await stripe.post(REFUNDS, data={"amount": 100, "charge": DOUBLE_CHARGE}, headers=_key("k"))
    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["original-request"] == first.headers["request-id"]
    assert "idempotent-replayed" not in first.headers
    (effect,) = sandbox.state.effects
    assert effect.data["amount"] == 100


async def test_the_same_key_with_other_parameters_is_an_idempotency_error(
    stripe: httpx.AsyncClient, sandbox: Sandbox
) -> None:
    await stripe.post(REFUNDS, data={"charge": DOUBLE_CHARGE, "amount": 100}, headers=_key("k"))
    other = await stripe.post(REFUNDS, data={"charge": DOUBLE_CHARGE, "amount": 200}, headers=_key("k"))
    assert (other.status_code, _error(other)["type"]) == (400, "idempotency_error")
    assert "same parameters" in _error(other)["message"]
    assert len(sandbox.state.effects) == 1


async def test_the_same_key_at_the_same_time_conflicts(stripe: httpx.AsyncClient, sandbox: Sandbox) -> None:
    sandbox.state.settings = SandboxSettings(stripe_processing_seconds=0.1)
    answers = await asyncio.gather(
        *(stripe.post(REFUNDS, data={"charge": DOUBLE_CHARGE}, headers=_key("k")) for _ in range(2))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    conflict = next(answer for answer in answers if answer.status_code == 409)
    assert _error(conflict)["code"] == "idempotency_key_in_use"
    later = await stripe.post(REFUNDS, data={"charge": DOUBLE_CHARGE}, headers=_key("k"))
    assert later.headers["idempotent-replayed"] == "true"
    assert len(sandbox.state.effects) == 1


async def test_a_key_keeps_failures_of_execution_but_not_of_validation(stripe: httpx.AsyncClient) -> None:
    refused = await stripe.post(REFUNDS, data={"charge": REFUNDED_CHARGE}, headers=_key("executed"))
    replay = await stripe.post(REFUNDS, data={"charge": REFUNDED_CHARGE}, headers=_key("executed"))
    assert (replay.status_code, replay.content) == (refused.status_code, refused.content)
    assert replay.headers["idempotent-replayed"] == "true"
    invalid = await stripe.post(REFUNDS, data={"charge": DOUBLE_CHARGE, "amount": "ten"}, headers=_key("validated"))
    mended = await stripe.post(REFUNDS, data={"charge": DOUBLE_CHARGE, "amount": "10"}, headers=_key("validated"))
    assert (invalid.status_code, mended.status_code) == (400, 200)


async def test_errors_are_stripes_error_object(stripe: httpx.AsyncClient, sandbox: Sandbox) -> None:
    cases: list[tuple[dict[str, str], int, str | None, str | None]] = [
        ({"charge": "ch_nope"}, 404, "resource_missing", "charge"),
        ({"charge": REFUNDED_CHARGE}, 400, "charge_already_refunded", None),
        ({"charge": DISPUTED_CHARGE}, 400, "charge_disputed", None),
        ({"charge": DOUBLE_CHARGE, "amount": "0"}, 400, "parameter_invalid_integer", "amount"),
        ({"charge": DOUBLE_CHARGE, "reason": "whim"}, 400, None, "reason"),
        ({"charge": DOUBLE_CHARGE, "colour": "red"}, 400, "parameter_unknown", "colour"),
        ({}, 400, "parameter_missing", "charge"),
    ]
    for fields, status, code, param in cases:
        answer = await stripe.post(REFUNDS, data=fields)
        error = _error(answer)
        assert (answer.status_code, error["type"]) == (status, "invalid_request_error")
        assert (error.get("code"), error.get("param")) == (code, param)
    too_much = await stripe.post(REFUNDS, data={"charge": FIRST_CHARGE, "amount": "6491"})
    rest = await stripe.post(REFUNDS, data={"charge": PARTLY_REFUNDED_CHARGE, "amount": "8001"})
    assert _error(too_much)["message"] == "Refund amount ($64.91) is greater than charge amount ($64.90)"
    assert _error(rest)["message"] == "Refund amount ($80.01) is greater than unrefunded amount on charge ($80.00)"
    gone = await stripe.get("/v1/charges/ch_nope")
    assert (gone.status_code, _error(gone)["message"]) == (404, "No such charge: 'ch_nope'")
    assert sandbox.state.effects == []


async def test_keys_are_checked_bearer_or_basic(sandbox: Sandbox) -> None:
    url = f"{sandbox.url(ProviderName.STRIPE)}/v1/charges/{DOUBLE_CHARGE}"
    async with httpx.AsyncClient() as client:
        anonymous = await client.get(url)
        live = await client.get(url, headers={"authorization": "Bearer sk_live_realmoney1234"})
        basic = await client.get(url, auth=("sk_test_sandbox", ""))
    assert (anonymous.status_code, live.status_code, basic.status_code) == (401, 401, 200)
    assert _error(live)["message"] == "Invalid API Key provided: sk_live_*********1234"


async def test_refunds_page_backwards_in_time(stripe: httpx.AsyncClient) -> None:
    ids = [(await stripe.post(REFUNDS, data={"charge": DOUBLE_CHARGE, "amount": "100"})).json()["id"] for _ in range(3)]
    page = (await stripe.get(REFUNDS, params={"limit": 2})).json()
    rest = (await stripe.get(REFUNDS, params={"starting_after": page["data"][-1]["id"]})).json()
    assert [r["id"] for r in page["data"] + rest["data"]] == ids[::-1]
    assert (page["has_more"], rest["has_more"]) == (True, False)
