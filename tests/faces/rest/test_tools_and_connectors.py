from tests.support.app import Server

TOKEN = "xoxb-1234-5678-sandbox"


async def test_the_catalogue_has_the_documented_shape(server: Server) -> None:
    reply = (await server.get("/api/mcp/tools")).json()
    assert len(reply["tools"]) == 8  # the seven of the contract, and http.request
    for tool in reply["tools"]:
        assert set(tool) == {"name", "namespace", "description", "input_schema", "requires_approval", "risk"}
    refund = next(tool for tool in reply["tools"] if tool["name"] == "payments.create_refund")
    assert (refund["requires_approval"], refund["risk"], refund["namespace"]) == (True, "high", "payments")
    assert (await server.get("/api/mcp/tools", key="sk_live_wrong")).status_code == 401


async def test_an_account_is_connected_shown_and_disconnected(server: Server) -> None:
    made = await server.post("/api/v1/integrations/int_slack/connect", {"credentials": {"token": TOKEN}})
    assert made.status_code == 200
    assert (made.json()["connector"], made.json()["base_url"]) == ("slack", "https://slack.com")
    listed = await server.get("/api/v1/connections")
    assert [row["status"] for row in listed.json()] == ["connected"]
    shown = await server.get(f"/api/v1/connections/{made.json()['id']}")
    assert TOKEN not in made.text + listed.text + shown.text
    gone = await server.post("/api/v1/integrations/int_slack/disconnect")
    assert (gone.status_code, gone.json()["status"]) == (200, "disconnected")
    assert (await server.post("/api/v1/integrations/int_slack/disconnect")).status_code == 409


async def test_what_is_wrong_is_named(server: Server) -> None:
    unknown = await server.post("/api/v1/integrations/int_fax/connect")
    assert unknown.status_code == 404
    missing = await server.post("/api/v1/integrations/int_stripe/connect")
    assert missing.status_code == 422
    assert missing.json()["error"]["details"]["field"] == "credentials.secret_key"


async def test_accounts_and_calls_of_another_workspace_do_not_exist(server: Server) -> None:
    made = await server.post("/api/v1/integrations/int_slack/connect", {"credentials": {"token": TOKEN}})
    other = await server.another_workspace()
    assert (await server.get(f"/api/v1/connections/{made.json()['id']}", key=other)).status_code == 404
    assert (await server.get("/api/v1/connections", key=other)).json() == []
    assert (await server.get("/api/v1/tool-calls", key=other)).json() == []
    assert (await server.get("/api/v1/tool-calls/call_01h455vb4pex5vsknk084sn02q")).status_code == 404
