"""Webhooks as pages: secrets shown once, a curl line that works, the log of calls, deliveries and their retries."""

import re
import subprocess
from html import unescape
from typing import Any

import pytest

from interlock.domains.webhooks.tally import tally_of
from tests.faces.dashboard.conftest import Person, signed_in
from tests.support.app import Server


async def workflow(owner: Person) -> str:
    made = await owner.call("workflows.create", {"name": "hooked"})
    await owner.call("workflows.update", {"workflow_id": made.id, "status": "published"})
    return str(made.id)


async def hook(owner: Person, **more: Any) -> tuple[str, str]:
    """A hook's id and the page that shows its secret."""
    fields = {"name": "Orders", "workflow_id": await workflow(owner), "duplicate_guard": "off", **more}
    made = await owner.post("/webhooks/hooks/new", fields)
    assert made.status_code == 200, made.text
    found = re.search(r"/webhooks/hooks/(hook_\w+)", made.text)
    assert found is not None
    return found[1], made.text


async def test_without_hooks_the_page_teaches(owner: Person) -> None:
    page = await owner.get("/webhooks")
    assert "No hooks yet" in page.text


async def test_the_secret_is_on_the_reply_and_nowhere_else(owner: Person) -> None:
    key, reply = await hook(owner)
    secret = re.search(r"whsec_[A-Za-z0-9+/=]+", unescape(reply))
    assert secret is not None
    for path in ("/webhooks", f"/webhooks/hooks/{key}", f"/webhooks/hooks/{key}/edit"):
        page = unescape((await owner.get(path)).text)
        assert secret[0] not in page
    again = await owner.post(f"/webhooks/hooks/{key}/rotate")
    assert secret[0] not in unescape(again.text)
    assert "whsec_" in again.text


async def test_the_lines_for_a_shell_sign_as_the_hook_asks(server: Server, owner: Person) -> None:
    key, reply = await hook(owner, slug="orders-in")
    lines = re.search(r"<pre[^>]*><code>(SECRET=.*?)</code></pre>", unescape(reply), re.DOTALL)
    assert lines is not None
    script = lines[1].replace("curl ", 'printf "%s\\n" ')
    printed = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True).stdout
    name, signature = next(line for line in printed.splitlines() if "Signature" in line).split(": ")
    body = printed.splitlines()[-1]
    answer = await server.http.post("/hooks/orders-in", content=body, headers={name: signature})
    assert answer.status_code == 200, printed
    await tally_of(server.runtime).write(await server.ctx())
    log = (await owner.get(f"/webhooks/hooks/{key}/calls", htmx=True)).text
    assert answer.json()["run_id"] in log
    call = re.search(r"/calls/(rcv_\w+)", log)
    assert call is not None
    page = unescape((await owner.get(f"/webhooks/hooks/{key}/calls/{call[1]}")).text)
    assert body in page
    assert signature not in page
    again = await owner.post(f"/webhooks/hooks/{key}/calls/{call[1]}/replay")
    assert again.status_code == 303
    assert "an earlier call" in (await owner.get(again.headers["location"])).text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"slug": "no/slash"}, "f-slug-problem"),
        ({"workflow_id": ""}, "f-workflow_id-problem"),
        ({"rate_limit_per_minute": "0"}, "greater than or equal to 1"),
        ({"duplicate_guard": "header"}, "must name the header that tells"),
    ],
)
async def test_a_bad_form_comes_back(owner: Person, change: dict[str, str], words: str) -> None:
    fields = {"name": "x", "workflow_id": await workflow(owner), "duplicate_guard": "off", **change}
    answer = await owner.post("/webhooks/hooks/new", fields)
    assert answer.status_code == 422
    assert words in answer.text


async def test_a_hook_is_changed_paused_and_deleted(owner: Person) -> None:
    key, _ = await hook(owner)
    assert 'value="Orders"' in (await owner.get(f"/webhooks/hooks/{key}/edit")).text
    current = await owner.call("hooks.get", {"hook_id": key})
    fields = {"name": "New name", "workflow_id": str(current.workflow_id), "duplicate_guard": "body", "respond": "true"}
    assert (await owner.post(f"/webhooks/hooks/{key}/edit", {**fields, "rate_limit_per_minute": ""})).status_code == 303
    changed = await owner.call("hooks.get", {"hook_id": key})
    assert (changed.name, changed.respond, changed.duplicate_guard) == ("New name", True, "body")
    assert (await owner.post(f"/webhooks/hooks/{key}/switch", {"status": "paused"})).status_code == 303
    assert "Resume" in (await owner.get(f"/webhooks/hooks/{key}")).text
    assert (await owner.post(f"/webhooks/hooks/{key}/delete")).headers["location"] == "/webhooks"
    assert (await owner.get(f"/webhooks/hooks/{key}")).status_code == 404


async def test_an_address_is_told_tested_and_retried(owner: Person) -> None:
    fields = {"url": "http://127.0.0.1:9/in", "events": "run.failed", "description": "pager"}
    made = await owner.post("/webhooks/subscriptions/new", fields)
    secret = re.search(r"whsec_[A-Za-z0-9+/=]+", unescape(made.text))
    key = re.search(r"/webhooks/subscriptions/(whk_\w+)", made.text)
    assert secret is not None
    assert key is not None
    assert secret[0] not in unescape((await owner.get(f"/webhooks/subscriptions/{key[1]}")).text)
    sent = await owner.post(f"/webhooks/subscriptions/{key[1]}/ping")
    assert sent.status_code == 303
    page = await owner.get(sent.headers["location"])
    assert "test.ping" in page.text
    assert (await owner.post(sent.headers["location"] + "/retry")).status_code == 303
    assert "test.ping" in (await owner.get("/webhooks/deliveries/list", htmx=True)).text
    assert (await owner.post(f"/webhooks/subscriptions/{key[1]}/switch", {"status": "paused"})).status_code == 303
    wrong = await owner.post("/webhooks/subscriptions/new", {"url": "ftp://x", "events": "run.failed"})
    assert wrong.status_code == 422
    assert "f-url-problem" in wrong.text


async def test_members_and_strangers_see_what_is_theirs(server: Server, owner: Person, member: Person) -> None:
    key, _ = await hook(owner)
    assert (await member.get(f"/webhooks/hooks/{key}")).status_code == 200
    assert "Who is told" not in (await member.get("/webhooks")).text
    assert (await member.get("/webhooks/subscriptions")).status_code == 403
    stranger = await signed_in(server, email="else@example.com", key=await server.another_workspace())
    assert (await stranger.get(f"/webhooks/hooks/{key}")).status_code == 404
    assert (await owner.post(f"/webhooks/hooks/{key}/delete", csrf="no")).status_code == 403
