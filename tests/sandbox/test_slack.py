import httpx

from interlock.sandbox import ProviderName, Sandbox, SandboxSettings

POST = "/api/chat.postMessage"
JSON = {"content-type": "application/json; charset=utf-8"}


async def test_a_posted_message_is_answered_like_slack_and_kept(slack: httpx.AsyncClient, sandbox: Sandbox) -> None:
    answer = await slack.post(POST, json={"channel": "#refunds", "text": "Refund done"}, headers=JSON)
    body = answer.json()
    assert answer.status_code == 200
    assert body == {"ok": True, "channel": "C0REFUNDS1", "ts": body["ts"], "message": body["message"]}
    assert body["message"]["text"] == "Refund done"
    assert body["message"]["ts"] == body["ts"]
    assert [e.data["text"] for e in sandbox.state.effects_of(ProviderName.SLACK)] == ["Refund done"]


async def test_form_fields_are_as_good_as_json(slack: httpx.AsyncClient) -> None:
    answer = await slack.post(POST, data={"channel": "C0GENERAL1", "text": "a & b"})
    assert answer.json()["message"]["text"] == "a & b"
    assert "warning" not in answer.json()


async def test_json_without_a_charset_is_warned_about(slack: httpx.AsyncClient) -> None:
    answer = await slack.post(POST, json={"channel": "general", "text": "x"})
    assert answer.json()["response_metadata"] == {"warnings": ["missing_charset"]}


async def test_failures_are_status_200_with_an_error_name(slack: httpx.AsyncClient, sandbox: Sandbox) -> None:
    cases = {
        "channel_not_found": {"channel": "#nowhere", "text": "x"},
        "is_archived": {"channel": "old-support", "text": "x"},
        "no_text": {"channel": "#general"},
        "msg_too_long": {"channel": "#general", "text": "x" * 40_001},
    }
    for error, arguments in cases.items():
        answer = await slack.post(POST, json=arguments, headers=JSON)
        assert (answer.status_code, answer.json()) == (200, {"ok": False, "error": error})
    broken = await slack.post(POST, content=b"{", headers=JSON)
    assert broken.json()["error"] == "invalid_json"
    assert sandbox.state.effects == []


async def test_a_token_is_missing_malformed_or_refused(slack: httpx.AsyncClient, sandbox: Sandbox) -> None:
    anonymous = await slack.post("/api/auth.test", headers={"authorization": ""})
    malformed = await slack.post("/api/auth.test", headers={"authorization": "Bearer nonsense"})
    accepted = await slack.post("/api/auth.test")
    sandbox.state.settings = SandboxSettings(accepted_credentials={ProviderName.SLACK: ("xoxb-other",)})
    refused = await slack.post("/api/auth.test")
    assert [r.json().get("error") for r in (anonymous, malformed, accepted, refused)] == [
        "not_authed",
        "invalid_auth",
        None,
        "invalid_auth",
    ]
    assert accepted.json()["team"] == "Interlock sandbox"
