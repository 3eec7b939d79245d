"""The secret URL of a platform: the one pipeline, a scope and limits of its own, a token that stays secret."""

from typing import Any

import httpx
import pytest
from sqlalchemy import text

from interlock.runtime import telemetry
from interlock.runtime.settings import Settings
from tests.support.app import Server

NOT_FOUND, UNFIT, TOO_MANY = 404, 422, 429


async def connected(server: Server, **given: Any) -> dict[str, Any]:
    made = await server.post("/api/v1/platforms", {"name": "Lead zap", "kind": "zapier", **given})
    assert made.status_code == httpx.codes.OK, made.text
    return dict(made.json())


async def ask(server: Server, url: str, **body: Any) -> httpx.Response:
    return await server.http.post(url, json={"tool": "crm.read", **body})


async def newest(server: Server) -> dict[str, Any]:
    return dict((await server.get("/api/ledger")).json()[0])


async def test_a_platform_gets_the_verdicts_and_the_evidence_of_check_action(server: Server) -> None:
    platform = await connected(server, tools=["crm", "pay"])
    assert platform["webhook_url"].startswith("http")
    told = (await ask(server, platform["webhook_url"])).json()
    assert set(told) == set((await server.post("/api/v1/check-action", {"tool": "crm.read"})).json())
    assert told["decision"] == "authorized"
    outside = (await ask(server, platform["webhook_url"], tool="mail.send")).json()
    assert (outside["decision"], "scope" in outside["reason"]) == ("denied", True)
    entry = await newest(server)
    assert (entry["event"], entry["caller_kind"], entry["caller_id"]) == ("check", "mcp_client", platform["id"])
    assert (entry["caller_label"], entry["scope"]["tools"]) == ("Lead zap", ["crm", "pay"])


async def test_an_escalated_action_is_decided_by_a_person_and_repeats_with_its_key(server: Server) -> None:
    match = {"tools": ["pay"]}
    await server.post("/api/v1/policies", {"name": "pay", "type": "approval", "mode": "pause", "match": match})
    url = (await connected(server))["webhook_url"]
    body = {"tool": "pay.out", "args": {"amount": 5}, "idempotency_key": "order-7"}
    held = (await ask(server, url, **body)).json()
    assert held["decision"] == "escalated"
    assert held["approval_poll_url"].endswith(held["escalation_id"])
    assert (await server.get(f"/api/v1/approvals/{held['escalation_id']}")).json()["status"] == "pending"
    await server.post(f"/api/v1/approvals/{held['escalation_id']}/approve")
    again = (await ask(server, url, **body)).json()
    assert (again["decision"], again["check_id"]) == ("authorized", held["check_id"])
    assert (await ask(server, url, **{**body, "args": {"amount": 6}})).status_code == httpx.codes.CONFLICT


async def test_a_key_of_another_caller_leads_around_no_scope(server: Server) -> None:
    url = (await connected(server, tools=["crm"]))["webhook_url"]
    body = {"tool": "pay.out", "agent_id": "desk", "idempotency_key": "shared"}
    assert (await server.post("/api/v1/check-action", body)).json()["decision"] == "authorized"
    assert (await ask(server, url, **body)).json()["decision"] == "denied"
    long = {**body, "tool": "crm.read", "idempotency_key": "k" * 200}
    first = (await ask(server, url, **long)).json()
    assert (await ask(server, url, **long)).json() == first


async def test_unknown_rotated_and_disconnected_urls_lead_nowhere(server: Server) -> None:
    platform = await connected(server)
    rotated = (await server.post(f"/api/v1/platforms/{platform['id']}/rotate")).json()
    assert rotated["webhook_url"] != platform["webhook_url"]
    gone = await ask(server, platform["webhook_url"])
    assert (gone.status_code, gone.json()["error"]["code"]) == (NOT_FOUND, "not_found")
    assert (await ask(server, rotated["webhook_url"])).status_code == httpx.codes.OK
    ended = (await server.post(f"/api/v1/platforms/{platform['id']}/disconnect")).json()
    assert (ended["status"], ended["webhook_url"]) == ("disconnected", None)
    assert (await ask(server, rotated["webhook_url"])).status_code == NOT_FOUND
    for verb in ("rotate", "disconnect"):
        again = await server.post(f"/api/v1/platforms/{platform['id']}/{verb}")
        assert again.status_code == httpx.codes.CONFLICT
    listed = (await server.get("/api/v1/platforms", status="disconnected")).json()
    assert [found["id"] for found in listed] == [platform["id"]]


@pytest.mark.parametrize("body", [{}, {"tool": ""}, {"tool": "x", "args": []}, {"tool": "x", "cost_estimate": -1}])
async def test_what_names_no_usable_tool_is_422(server: Server, body: dict[str, Any]) -> None:
    url = (await connected(server))["webhook_url"]
    assert (await server.http.post(url, json=body)).status_code == UNFIT


async def test_the_token_is_in_no_row_no_reply_of_the_webhook_and_no_log_line(server: Server) -> None:
    platform = await connected(server)
    token = platform["webhook_url"].split("/")[-2]
    answers = [
        await ask(server, platform["webhook_url"]),
        await ask(server, platform["webhook_url"].replace(token, token + "x")),
        await server.http.get(platform["webhook_url"]),
    ]
    assert answers[1].status_code == NOT_FOUND
    assert token not in answers[0].text + answers[1].text
    for path in ("/api/ledger", "/api/v1/activity"):
        assert token not in (await server.get(path)).text
    line = telemetry.redact(None, "info", {"event": f"POST {platform['webhook_url']}"})
    assert token not in str(line)
    async with (await server.ctx()).begin(write=False) as reading:
        statement = text("SELECT count(*) FROM platforms WHERE CAST(sealed AS TEXT) LIKE :token OR token_hash = :plain")
        found = await (await reading.session()).execute(statement, {"token": f"%{token}%", "plain": token})
        assert found.scalar_one() == 0


async def test_another_workspace_has_its_own_connections(server: Server) -> None:
    platform, other = await connected(server), await server.another_workspace()
    assert (await server.get("/api/v1/platforms", key=other)).json() == []
    for verb in ("rotate", "disconnect"):
        answer = await server.post(f"/api/v1/platforms/{platform['id']}/{verb}", key=other)
        assert answer.status_code == NOT_FOUND
    theirs = (await server.post("/api/v1/platforms", {"name": "n8n", "kind": "n8n"}, key=other)).json()
    await ask(server, theirs["webhook_url"])
    assert (await server.get("/api/ledger", key=other)).json()[0]["caller_label"] == "n8n"
    assert all(entry["caller_label"] != "n8n" for entry in (await server.get("/api/ledger")).json())


class TestLimits:
    """With a small allowance for each caller."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        """Eight requests a minute."""
        return settings.model_copy(update={"rate_limit_per_minute": 8})

    async def test_each_connection_is_counted_by_itself_and_guesses_by_address(self, server: Server) -> None:
        """What was accepted once no longer counts as a guess; what was not counts against its sender."""
        one = (await connected(server))["webhook_url"]
        two = (await connected(server))["webhook_url"]
        answers = [(await ask(server, url)).status_code for _ in range(8) for url in (one, two)]
        assert answers == [200] * 16
        refused = await ask(server, one)
        assert (refused.status_code, refused.json()["error"]["code"]) == (TOO_MANY, "rate_limited")
        assert refused.headers["retry-after"]
        guesses = [(await ask(server, f"/api/platforms/ptk_{number}/webhook")).status_code for number in range(8)]
        assert guesses[-1] == TOO_MANY
