"""Platform connections, as a client and a platform use them."""

from tests.contracts.drives import Recorder

NAME = "POST /api/platforms/{connection_token}/webhook"


async def drive(recorder: Recorder) -> None:
    """Connect a platform and have it ask for every verdict."""
    match = {"tools": ["pay.out"], "callers": ["zap agent"]}
    await recorder.call("POST /api/v1/policies", {"name": "zap", "type": "approval", "mode": "pause", "match": match})
    made = await recorder.call("POST /api/v1/platforms", {"name": "zap", "kind": "zapier", "tools": ["crm", "pay"]})
    await recorder.call("GET /api/v1/platforms")
    token = made["webhook_url"].split("/")[-2]
    decisions = []
    for tool in ("crm.read", "pay.out", "mail.send"):
        body = {"tool": tool, "args": {"id": 1}, "agent_id": "zap agent", "idempotency_key": tool}
        answer = await recorder.call(NAME, body, headers={"accept": "*/*"}, connection_token=token)
        decisions.append(answer["decision"])
    assert decisions == ["authorized", "escalated", "denied"]
