"""Settings as pages: every section shows itself, forms name what is wrong, and secrets are on one reply only."""

import asyncio
import re
from html import unescape

import pytest

from tests.faces.dashboard.conftest import PASSWORD, Person, signed_in
from tests.support.app import Server

SECTIONS = (
    "providers",
    "keys",
    "integrations",
    "people",
    "clients",
    "platforms",
    "chatbots",
    "registry",
    "workspace",
    "backup",
    "account",
)
FOR_ALL = {"clients", "chatbots", "registry", "account"}


async def test_every_section_shows_itself_to_whom_it_may(owner: Person, member: Person) -> None:
    overview = (await owner.get("/settings")).text
    assert all(f'href="/settings/{name}"' in overview for name in SECTIONS)
    theirs = (await member.get("/settings")).text
    for name in SECTIONS:
        page = await owner.get(f"/settings/{name}")
        assert (page.status_code, page.text.count("<h1")) == (200, 1), name
        assert (f'href="/settings/{name}"' in theirs) == (name in FOR_ALL), name
        # What is connected is no secret, though only admins are led there.
        may = name in FOR_ALL | {"integrations"}
        assert (await member.get(f"/settings/{name}")).status_code == (200 if may else 403), name


async def test_a_provider_is_added_tested_changed_and_removed(owner: Person) -> None:
    fields = {"name": "mine", "kind": "openai_compatible", "base_url": "http://127.0.0.1:9/v1", "enabled": "true"}
    wrong = await owner.post(
        "/settings/providers/new", {**fields, "name": "Not A Name", "credential": "sk-hidden-1234"}
    )
    assert (wrong.status_code, "f-name-problem" in wrong.text) == (422, True)
    assert "sk-hidden" not in wrong.text
    made = await owner.post("/settings/providers/new", {**fields, "credential": "sk-hidden-1234"})
    assert made.status_code == 303, made.text
    page = (await owner.get("/settings/providers")).text
    assert "mine" in page
    assert "sk-hidden" not in page
    assert "failing" in page
    key = re.search(r"/settings/providers/(prov_\w+)", page)
    assert key is not None
    form = await owner.get(f"/settings/providers/{key[1]}")
    assert "sk-hidden" not in form.text
    assert (await owner.post(f"/settings/providers/{key[1]}", {"name": "mine", "priority": "5"})).status_code == 303
    changed = await owner.call("llm.get_provider", {"provider_id": key[1]})
    assert (changed.priority, changed.enabled, changed.credential is not None) == (5, False, True)
    tested = await owner.post("/settings/providers/test", {"name": "local"})
    assert "local%20answers" in tested.headers["set-cookie"]
    route = await owner.post("/settings/routes/new", {"name": "cheap", "targets": "local:smollm2-135m-instruct"})
    assert route.status_code == 303, route.text
    assert "cheap" in (await owner.get("/settings/providers")).text
    assert (await owner.post(f"/settings/providers/{key[1]}/delete")).status_code == 303


async def test_a_key_is_shown_once(owner: Person) -> None:
    made = await owner.post("/settings/keys", {"name": "shop", "scopes": "agents"})
    secret = re.search(r"sk_live_[\w-]{20,}", made.text)
    assert secret is not None
    page = (await owner.get("/settings/keys")).text
    assert secret[0] not in page
    key = next(each for each in (await owner.call("accounts.list_keys", {})).items if each.name == "shop")
    assert (await owner.post(f"/settings/keys/{key.id}/revoke")).status_code == 303
    assert "shop" in (await owner.get("/settings/keys?status=revoked")).text
    wrong = await owner.post("/settings/keys", {"name": "", "scopes": "agents"})
    assert (wrong.status_code, "f-name-problem" in wrong.text) == (422, True)


async def test_people_come_change_and_go(owner: Person) -> None:
    fields = {"email": "ann@example.com", "name": "Ann", "role": "member", "password": PASSWORD}
    assert (await owner.post("/settings/people", fields)).status_code == 303
    wrong = await owner.post("/settings/people", {**fields, "email": "no address"})
    assert (wrong.status_code, "f-email-problem" in wrong.text, PASSWORD in wrong.text) == (422, True, False)
    ann = next(each for each in (await owner.call("accounts.list_users", {})).items if each.name == "Ann")
    assert (await owner.post(f"/settings/people/{ann.id}", {"role": "admin"})).status_code == 303
    assert (await owner.post(f"/settings/people/{ann.id}/deactivate")).status_code == 303
    assert "deactivated" in (await owner.get("/settings/people")).text
    assert (await owner.post(f"/settings/people/{ann.id}/reactivate")).status_code == 303
    reset = {"email": "ann@example.com", "password": "another long phrase"}
    assert (await owner.post("/settings/people/reset", reset)).status_code == 303


async def test_clients_and_platforms_are_shown_with_what_to_copy(owner: Person) -> None:
    made = await owner.post("/settings/clients", {"name": "laptop", "kind": "cursor", "tools": "slack, stripe"})
    shown = unescape(made.text)
    bearer = re.search(r"whsec_[\w-]{20,}", shown)
    assert bearer is not None
    assert '"mcpServers"' in shown
    assert "/api/mcp" in shown
    page = (await owner.get("/settings/clients")).text
    assert bearer[0] not in page
    assert "slack, stripe" in page
    platform = await owner.post("/settings/platforms", {"name": "zaps", "kind": "zapier"})
    url = re.search(r"http[^'<]*/api/platforms/[\w-]+/webhook", unescape(platform.text))
    assert url is not None
    assert url[0] not in (await owner.get("/settings/platforms")).text
    assert (await owner.post("/settings/clients", {"name": "", "kind": "cursor"})).status_code == 422


async def test_an_integration_is_connected_and_disconnected(owner: Person) -> None:
    assert "Slack" in (await owner.get("/settings/integrations?q=slack")).text
    assert "Nothing found" in (await owner.get("/settings/integrations?q=zzzzzz")).text
    form = await owner.get("/settings/integrations/int_slack")
    assert "bot token" in form.text
    path, given = "/settings/integrations/int_slack", {"credentials.token": "xoxb-hidden"}
    wrong = await owner.post(path, {"base_url": "http://127.0.0.1:9"})
    assert wrong.status_code == 422
    assert "f-credentials-token-problem" in wrong.text
    await owner.post(path, {**given, "base_url": "http://127.0.0.1:9"})
    page = (await owner.get(path)).text
    assert "token on file" in page
    assert "xoxb-hidden" not in page
    assert (await owner.post(f"{path}/disconnect")).status_code == 303
    assert (await owner.get("/settings/integrations/int_salesforce")).status_code in {404, 409}


async def test_a_chatbot_has_its_embed_code(owner: Person) -> None:
    assert (await owner.get("/settings/chatbots/new")).status_code == 200
    fields = {"name": "Helper", "model": "default", "color": "#ff8800", "allowed_origins": "https://shop.example"}
    made = await owner.post("/settings/chatbots/new", {**fields, "max_tokens": "500", "position": "left"})
    assert made.status_code == 303, made.text
    page = unescape((await owner.get(made.headers["location"])).text)
    assert re.search(r'<script src="[^"]+/embed.js" data-chatbot-id="emb_\w+" async></script>', page)
    assert (await owner.post(made.headers["location"] + "/switch", {"status": "deployed"})).status_code == 303
    wrong = await owner.post(made.headers["location"], {**fields, "allowed_origins": "not an origin"})
    assert (wrong.status_code, "f-allowed_origins-problem" in wrong.text) == (422, True)
    assert (await owner.post(made.headers["location"] + "/delete")).status_code == 303


async def test_the_registry_explains_a_risk_and_takes_a_persons_word(owner: Person, member: Person) -> None:
    await owner.call("agents.create", {"name": "clerk", "model": "scripted:nothing"})
    page = (await owner.get("/settings/registry?kind=agent")).text
    key = re.search(r"/settings/registry/(sys_\w+)", page)
    assert key is not None
    path = f"/settings/registry/{key[1]}"
    assert "Weigh it again" in (await owner.get(path)).text
    assert "Weigh it again" not in (await member.get(path)).text
    assert (await owner.post(path, {"privacy": "90"})).status_code == 422
    weighed = await owner.post(path, {"privacy": "90", "reason": "It reads mail.", "tags": "GDPR"})
    assert weighed.status_code == 303, weighed.text
    assert "set by a person" in (await owner.get(path)).text


async def test_the_workspace_keeps_what_its_form_says(owner: Person) -> None:
    fields = {"slack_channel": "#ops", "email_to": "a@example.com, b@example.com", "webhook_url": ""}
    more = {"log_retention_days": "90", "approval_hours": "2", "default_model": ""}
    assert (await owner.post("/settings/workspace", {**fields, **more})).status_code == 303
    page = (await owner.get("/settings/workspace")).text
    assert 'value="90"' in page
    assert "a@example.com, b@example.com" in page
    wrong = await owner.post("/settings/workspace", {**fields, **more, "log_retention_days": "0"})
    assert (wrong.status_code, "f-log_retention_days-problem" in wrong.text) == (422, True)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_backup_is_made_downloaded_and_deleted(owner: Person, member: Person) -> None:
    assert (await owner.post("/settings/backup")).status_code == 303
    async with asyncio.timeout(30):
        found = None
        while found is None:  # as the page does by itself
            found = re.search(r"interlock-\w+-\w+\.tar\.gz", (await owner.get("/settings/backup/list")).text)
    assert (await member.get(f"/settings/backup/{found[0]}/download")).status_code == 403
    sent = await owner.get(f"/settings/backup/{found[0]}/download")
    assert sent.content[:2] == b"\x1f\x8b"
    assert (await owner.post(f"/settings/backup/{found[0]}/delete")).status_code == 303
    assert "No backup yet" in (await owner.get("/settings/backup")).text


async def test_ones_own_password_and_sessions(server: Server, owner: Person) -> None:
    other = await owner.call("accounts.sign_in", {"email": owner.email, "password": PASSWORD})
    page = (await owner.get("/settings/account")).text
    assert "this one" in page
    assert other.token not in page
    assert (await owner.post("/settings/account/sessions/end-others")).status_code == 303
    assert (
        await server.http.get("/api/auth/me", headers={"authorization": f"Bearer {other.token}"})
    ).status_code == 401
    path, new = "/settings/account/password", "another long phrase"
    differs = await owner.post(path, {"current_password": PASSWORD, "password": new, "again": "else"})
    assert (differs.status_code, "f-again-problem" in differs.text) == (422, True)
    wrong = await owner.post(path, {"current_password": "wrong", "password": new, "again": new})
    assert (wrong.status_code, "f-current_password-problem" in wrong.text) == (422, True)
    short = await owner.post(path, {"current_password": PASSWORD, "password": "short", "again": "short"})
    assert (short.status_code, "f-password-problem" in short.text) == (422, True)
    assert (await owner.post(path, {"current_password": PASSWORD, "password": new, "again": new})).status_code == 303
    assert (await owner.get("/settings/account")).status_code == 401


async def test_strangers_and_foreign_forms_get_nothing(server: Server, owner: Person) -> None:
    await owner.call("agents.create", {"name": "clerk", "model": "scripted:nothing"})
    system = (await owner.call("registry.list", {"kind": "agent"})).items[0]
    stranger = await signed_in(server, email="else@example.com", key=await server.another_workspace())
    assert (await stranger.get(f"/settings/registry/{system.id}")).status_code == 404
    assert (await stranger.get("/settings/backup")).status_code == 403
    assert (await owner.post("/settings/keys", {"name": "x", "scopes": "agents"}, csrf="no")).status_code == 403
