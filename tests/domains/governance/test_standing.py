"""Which policies stand over an agent's tools before it calls any of them, by the rules that judge the calls."""

from typing import Any

from tests.support.app import Server


async def _policy(server: Server, name: str, kind: str, mode: str, **values: Any) -> None:
    made = await server.post("/api/v1/policies", {"name": name, "type": kind, "mode": mode, **values})
    assert made.status_code == 200, made.text


async def _standing(server: Server, **params: Any) -> dict[str, Any]:
    reply = await server.get("/api/v1/tool-policies", **params)
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


async def test_each_tool_names_its_policies_in_the_order_in_which_they_are_asked(server: Server) -> None:
    await _policy(server, "watch mail", "approval", "log", match={"tools": ["comms"]})
    await _policy(server, "ask for mail", "approval", "pause", match={"tools": ["comms.send_email"]})
    await _policy(server, "no refunds", "approval", "block", match={"tools": ["payments.*"]})
    await _policy(server, "only others", "approval", "block", match={"callers": ["somebody else"]})
    found = await _standing(server, tools=["stripe_refund", "comms"], agent_name="desk")
    over = {tool["tool"]: [(row["name"], row["would"]) for row in tool["policies"]] for tool in found["tools"]}
    assert over["comms.send_email"] == [("ask for mail", "hold"), ("watch mail", "hold")]
    assert over["payments.create_refund"] == [("no refunds", "deny")]
    assert over["comms.send_slack_message"] == [("watch mail", "hold")]
    assert all(row["condition"] == "" for tool in found["tools"] for row in tool["policies"])
    other = await _standing(server, tools=["crm"], agent_name="Somebody Else")
    assert {row["name"] for tool in other["tools"] for row in tool["policies"]} == {"only others"}


async def test_a_policy_that_fires_now_and_then_says_when(server: Server) -> None:
    await _policy(server, "mask", "data_privacy", "block", match={"resources": {"to": ["*@example.com"]}})
    await _policy(server, "costly", "approval", "pause", config={"min_cost": 5, "min_risk": "low"})
    await _policy(server, "critical only", "approval", "pause", config={"min_risk": "critical"})
    await _policy(server, "caps", "cost", "block", config={"per_run": 2})
    await _policy(server, "wording", "content", "block", config={"deny": ["guarantee"]})
    found = await _standing(server, tools=["comms.send_email"], model="scripted:a")
    when = {row["name"]: row["condition"] for tool in found["tools"] for row in tool["policies"]}
    assert when == {
        "mask": "when the arguments carry personal data and 'to' is one of *@example.com",
        "caps": "when a cap is reached ($2 per run)",
        "costly": "when the call is estimated at $5 or more",
    }
    assert [row["name"] for row in found["output"]] == ["wording"]
