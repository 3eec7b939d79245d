import asyncio
import sys
from pathlib import Path

import httpx

from interlock.sandbox import ProviderName
from interlock.sandbox.stripe_data import DOUBLE_CHARGE


async def test_state_shows_effects_in_order_with_their_arrivals(
    own: httpx.AsyncClient, slack: httpx.AsyncClient, stripe: httpx.AsyncClient
) -> None:
    await slack.post("/api/chat.postMessage", data={"channel": "#general", "text": "one"})
    for _ in range(2):
        await stripe.post("/v1/refunds", data={"charge": DOUBLE_CHARGE}, headers={"idempotency-key": "k"})
    state = (await own.get("/_sandbox/state")).json()
    assert state["sandbox"] is True
    assert [
        (e["sequence"], e["provider"], e["kind"], e["idempotency_key"], e["arrivals"]) for e in state["effects"]
    ] == [
        (1, "slack", "message", None, 1),
        (2, "stripe", "refund", "k", 2),
    ]
    assert [call["path"] for call in state["calls"]] == ["/api/chat.postMessage", "/v1/refunds", "/v1/refunds"]


async def test_reset_brings_back_the_seeded_world(own: httpx.AsyncClient, stripe: httpx.AsyncClient) -> None:
    await own.post("/_sandbox/faults", json={"provider": "slack", "kind": "cut"})
    await stripe.post("/v1/refunds", data={"charge": DOUBLE_CHARGE})
    await own.post("/_sandbox/reset")
    state = (await own.get("/_sandbox/state")).json()
    assert (state["effects"], state["calls"], state["pending_faults"]) == ([], [], [])
    assert (await stripe.get(f"/v1/charges/{DOUBLE_CHARGE}")).json()["refunded"] is False


async def test_settings_and_faults_refuse_what_they_do_not_know(own: httpx.AsyncClient) -> None:
    fault = await own.post("/_sandbox/faults", json={"provider": "slack", "kind": "cut", "when": "now"})
    settings = await own.put("/_sandbox/settings", json={"speed": 3})
    changed = await own.put("/_sandbox/settings", json={"accepted_credentials": {"slack": ["xoxb-a"]}})
    assert fault.status_code == settings.status_code == 422
    assert fault.json()["detail"][0]["loc"] == ["when"]
    assert changed.json()["settings"]["accepted_credentials"] == {"slack": ["xoxb-a"]}


async def test_planned_faults_can_be_dropped(own: httpx.AsyncClient) -> None:
    await own.post("/_sandbox/faults", json={"provider": "make", "kind": "server_error"})
    await own.delete("/_sandbox/faults")
    assert (await own.post("/make/hook1")).text == "Accepted"


async def test_the_index_names_every_base_url_and_answers_are_labelled(own: httpx.AsyncClient) -> None:
    index = (await own.get("/_sandbox/")).json()
    assert set(index["base_urls"]) == {name.value for name in ProviderName}
    answer = await own.get(f"{index['base_urls']['stripe']}/v1/charges/x")
    assert answer.headers["x-sandbox"] == "interlock"


async def test_the_command_serves_and_stops_on_request(tmp_path: Path) -> None:
    port_file = tmp_path / "port"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "interlock.sandbox", "--port-file", str(port_file),
        stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[2] / "src",
    )  # fmt: skip
    assert process.stdout is not None
    lines = [(await process.stdout.readline()).decode() for _ in range(1 + len(ProviderName))]
    port = port_file.read_text()
    async with httpx.AsyncClient() as client:
        accepted = await client.post(f"http://127.0.0.1:{port}/make/hook1")
    process.terminate()
    assert await process.wait() == 0
    assert accepted.text == "Accepted"
    assert lines[1].split() == ["slack", f"http://127.0.0.1:{port}/slack"]
