import httpx

from interlock.sandbox import ProviderName, Sandbox, SandboxSettings


async def test_zapier_catches_whatever_is_posted(own: httpx.AsyncClient, sandbox: Sandbox) -> None:
    json_answer = await own.post("/zapier/hooks/catch/123456/abcdef/", json={"order": "NW-10482"})
    form_answer = await own.post("/zapier/hooks/catch/123456/abcdef", data={"order": "NW-1"})
    assert set(json_answer.json()) == {"attempt", "id", "request_id", "status"}
    assert json_answer.json()["status"] == form_answer.json()["status"] == "success"
    assert [e.data["payload"] for e in sandbox.state.effects_of(ProviderName.ZAPIER)] == [
        {"order": "NW-10482"},
        {"order": "NW-1"},
    ]


async def test_n8n_starts_registered_workflows_only(own: httpx.AsyncClient, sandbox: Sandbox) -> None:
    started = await own.post("/n8n/webhook/refund-desk", json=[1, 2])
    sandbox.state.settings = SandboxSettings(unregistered_hooks=("refund-desk",))
    missing = await own.post("/n8n/webhook/refund-desk", json={})
    assert started.json() == {"message": "Workflow was started"}
    assert missing.status_code == 404
    assert missing.json()["message"] == 'The requested webhook "POST refund-desk" is not registered.'
    assert [e.data["payload"] for e in sandbox.state.effects] == [[1, 2]]


async def test_make_accepts_in_plain_text(own: httpx.AsyncClient, sandbox: Sandbox) -> None:
    accepted = await own.post("/make/abc123hook", content="plain", headers={"content-type": "text/plain"})
    sandbox.state.settings = SandboxSettings(unregistered_hooks=("abc123hook",))
    gone = await own.post("/make/abc123hook", json={})
    assert (accepted.status_code, accepted.text) == (200, "Accepted")
    assert (gone.status_code, gone.text) == (410, "There is no scenario listening for this webhook.")
    assert [e.data["payload"] for e in sandbox.state.effects] == ["plain"]
