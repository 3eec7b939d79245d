"""The public page of a form: it works without script, says what is wrong where it is wrong, and lets nothing in."""

import re
from dataclasses import replace
from datetime import timedelta
from html import unescape
from typing import Any

import httpx
import pytest

from interlock import main
from interlock.domains.forms import marks
from interlock.domains.forms.views import FormId
from tests.support.app import Server

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
HTML = {"accept": "text/html,application/xhtml+xml"}
FIELDS: list[dict[str, Any]] = [
    {"name": "name", "type": "text", "label": "Your name", "required": True},
    {"name": "email", "type": "email", "required": True, "help": "We answer here."},
    {"name": "plan", "type": "select", "options": ["free", 'pro "plus" <b>'], "placeholder": "Which one?"},
    {"name": "seats", "type": "number", "placeholder": "3"},
    {"name": "start", "type": "date"},
    {"name": "message", "type": "textarea", "max_length": 200},
    {"name": "member", "type": "boolean", "label": "Are you a member?", "required": True},
    {"name": "terms", "type": "checkbox", "label": "I agree to the terms", "required": True},
]
ANSWERS = {"name": "Ada", "email": "ada@example.com", "seats": "2", "member": "false", "terms": "true"}


async def made(server: Server, **values: Any) -> dict[str, Any]:
    answer = await server.post("/api/v1/forms", {"name": "Sign up", "slug": "sign-up", "fields": FIELDS, **values})
    assert answer.status_code == 200, answer.text
    form: dict[str, Any] = answer.json()
    return form


def old_mark(server: Server, form: dict[str, Any], age: timedelta = timedelta(minutes=1)) -> str:
    """The mark of a page that has been open for a while."""
    runtime = server.runtime
    return marks.mint(runtime.secrets, FormId.parse(form["id"]), runtime.clock.now() - age)


async def sent(server: Server, form: dict[str, Any]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = (await server.get(f"/api/v1/forms/{form['id']}/submissions")).json()
    return rows


def mark_in(page: str) -> str:
    found = re.search(r'name="_token" value="([^"]+)"', page)
    assert found is not None
    return found[1]


async def test_the_page_asks_accessibly_and_lets_nothing_else_in(server: Server) -> None:
    form = await made(server, description="Tell us <everything>.")
    assert form["public_url"] == f"{server.runtime.settings.base_url}/f/sign-up"
    answer = await server.http.get("/f/sign-up", headers=HTML)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    page = answer.text
    assert "<script" not in page
    assert '<html lang="en">' in page
    assert "Tell us &lt;everything&gt;." in page
    assert 'value="pro &#34;plus&#34; &lt;b&gt;"' in page
    for index in range(len(FIELDS)):
        assert f'for="field-{index}"' in page
        assert f'id="field-{index}"' in page
    assert 'aria-describedby="field-1-help"' in page
    assert 'autocomplete="email"' in page
    assert 'autocomplete="name"' in page
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["cache-control"] == "no-store"
    assert mark_in((await server.http.get("/f/sign-up")).text) != mark_in(page), "every showing has its own mark"


async def test_only_named_sites_may_frame_it(server: Server) -> None:
    await made(server, embed_origins=["https://shop.example", "http://localhost:3000"])
    headers = (await server.http.get("/f/sign-up", headers=HTML)).headers
    assert headers["content-security-policy"].endswith("frame-ancestors https://shop.example http://localhost:3000")
    assert "x-frame-options" not in headers
    for wrong in ("https://a.example; script-src *", "'self'", "*", "https://a.example/path", "javascript:x"):
        body = {"name": "x", "slug": "x", "fields": FIELDS, "embed_origins": [wrong]}
        assert (await server.post("/api/v1/forms", body)).status_code == 422, wrong


async def test_what_is_sent_is_kept_once(server: Server) -> None:
    form = await made(server, thanks="See you <soon>.")
    body = {**ANSWERS, "_token": old_mark(server, form), "_homepage": ""}
    for _ in range(2):
        answer = await server.http.post("/f/sign-up", data=body, headers=HTML)
        assert answer.status_code == 200, answer.text
        assert "Thank you" in answer.text
        assert "See you &lt;soon&gt;." in answer.text
    (row,) = await sent(server, form)
    expected = {"name": "Ada", "email": "ada@example.com", "seats": 2, "member": False, "terms": True}
    assert (row["status"], row["data"]) == ("received", expected)
    other = await server.http.post("/f/sign-up", data={**body, "name": "Eve"}, headers=HTML)
    assert (other.status_code, "sent already" in other.text) == (409, True)


async def test_problems_stand_beside_their_fields_and_what_was_typed_stays(server: Server) -> None:
    form = await made(server)
    token = old_mark(server, form)
    wrong = {"name": '<i>"Ada"</i>', "email": "ada", "plan": "none", "message": "  two\nlines", "_token": token}
    answer = await server.http.post("/f/sign-up", data=wrong, headers=HTML)
    page = answer.text
    assert answer.status_code == 422
    assert "<title>Error: Sign up</title>" in page
    assert 'value="&lt;i&gt;&#34;Ada&#34;&lt;/i&gt;"' in page
    assert "  two\nlines</textarea>" in page
    assert 'role="alert"' in page
    for index in (1, 2, 6, 7):
        assert f'href="#field-{index}"' in page
        assert f'id="field-{index}-problem"' in page
    assert 'aria-describedby="field-1-help field-1-problem" aria-invalid="true" required' in page
    assert "must be an e-mail address" in unescape(page)
    assert mark_in(page) == token, "correcting takes no new page"
    assert await sent(server, form) == []
    unknown = await server.http.post("/f/sign-up", data={**ANSWERS, "_token": token, "<shoe>": "9"}, headers=HTML)
    assert (unknown.status_code, "&lt;shoe&gt;" in unknown.text) == (422, True)


async def test_a_robot_is_thanked_and_its_answers_kept_apart(server: Server) -> None:
    form = await made(server)
    shown = await server.http.get("/f/sign-up", headers=HTML)
    hasty = await server.http.post("/f/sign-up", data={**ANSWERS, "_token": mark_in(shown.text)}, headers=HTML)
    trapped = {**ANSWERS, "_token": old_mark(server, form), "_homepage": "https://cheap.example"}
    fooled = await server.http.post("/f/sign-up", data=trapped, headers=HTML)
    assert (hasty.status_code, hasty.text) == (fooled.status_code, fooled.text)
    assert "Thank you" in hasty.text
    rows = await sent(server, form)
    assert [row["status"] for row in rows] == ["spam", "spam"]
    accepted = await server.post(f"/api/v1/forms/{form['id']}/submissions/{rows[0]['id']}/retry")
    assert (accepted.status_code, accepted.json()["status"]) == (200, "received")


async def test_a_page_open_for_too_long_comes_anew_with_what_was_typed(server: Server) -> None:
    form = await made(server)
    stale = old_mark(server, form, marks.LONGEST_OPEN + timedelta(minutes=1))
    for token in ({"_token": stale}, {}):
        answer = await server.http.post("/f/sign-up", data={**ANSWERS, **token}, headers=HTML)
        assert (answer.status_code, "open for too long" in answer.text) == (422, True)
        assert 'value="Ada"' in answer.text
        assert mark_in(answer.text) != stale


async def test_what_is_not_there_or_not_understood_is_said_to_people_and_to_programs(server: Server) -> None:
    form = await made(server)
    await server.patch(f"/api/v1/forms/{form['id']}", {"status": "paused"})
    for path in ("/f/sign-up", "/f/nowhere", "/f/No%20Slug"):
        for method in ("GET", "POST"):
            page = await server.http.request(method, path, headers=HTML)
            assert (page.status_code, "not here" in page.text) == (404, True), (method, path)
            assert "content-security-policy" in page.headers
            assert (await server.http.request(method, path)).json()["error"]["code"] == "not_found"
    await server.patch(f"/api/v1/forms/{form['id']}", {"status": "published"})
    assert (await server.http.post("/f/sign-up", json=ANSWERS)).status_code == 400
    encoded = {"content-type": "application/x-www-form-urlencoded"}
    for body, status in (
        (b"name=%ff", 400),
        (b"name=%00", 422),
        (b"a=1&" * 301, 400),
        (b"name=" + b"x" * 2_000_001, 413),
    ):
        answer = await server.http.post("/f/sign-up", content=body, headers=encoded | HTML)
        assert answer.status_code == status, body[:20]
        assert answer.text.startswith("<!doctype html>")
    assert await sent(server, form) == []


async def test_an_address_may_send_thirty_forms_a_minute_with_or_without_a_key(server: Server) -> None:
    form = await made(server)
    settings = server.runtime.settings.model_copy(update={"embed_rate_limit_per_minute": 3})
    app = main.create_app(replace(server.runtime, settings=settings, _locals={}))
    transport = httpx.ASGITransport(app=app, client=("203.0.113.7", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        path, body = f"/api/v1/forms/{form['id']}/submit", {"data": {"name": "Ada"}}
        statuses = [(await client.post(path, json=body, headers={"x-api-key": f"k{n}"})).status_code for n in range(3)]
        statuses.append((await client.post("/f/sign-up", data=ANSWERS)).status_code)
        assert (await client.get("/f/sign-up")).status_code == 200, "reading is counted apart"
    assert statuses == [422, 422, 422, 429]
