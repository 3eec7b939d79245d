"""What holds for every page: who is let in, whose forms count, what headers and errors look like."""

import re

import pytest

from interlock.domains.accounts.service import claiming
from interlock.domains.accounts.service.identify import anonymous
from interlock.faces.dashboard.areas import home
from interlock.faces.dashboard.assets import asset_url
from interlock.faces.web.credentials import SESSION_COOKIE
from tests.faces.dashboard.conftest import PASSWORD, Person, signed_in
from tests.support.app import Server

HTML = {"accept": "text/html"}


async def test_whoever_is_not_signed_in_sees_the_sign_in_instead_of_the_page(server: Server) -> None:
    page = await server.http.get("/?status=failed", headers=HTML)
    assert page.status_code == 401
    assert "Sign in" in page.text
    assert 'value="/?status=failed"' in page.text
    assert "Last runs" not in page.text


async def test_signing_in_leads_to_the_page_that_was_asked_for(server: Server) -> None:
    person = await signed_in(server)
    fields = {"email": person.email, "password": PASSWORD, "onward": "/costs?by=day"}
    reply = await server.http.post("/sign-in", data=fields, headers=HTML)
    assert (reply.status_code, reply.headers["location"]) == (303, "/costs?by=day")
    cookie = reply.headers["set-cookie"]
    assert SESSION_COOKIE in cookie
    assert "httponly" in cookie.lower()
    assert "samesite=lax" in cookie.lower()
    server.http.cookies.clear()


@pytest.mark.parametrize(
    "onward", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
async def test_signing_in_never_leads_to_another_site(server: Server, onward: str) -> None:
    person = await signed_in(server)
    fields = {"email": person.email, "password": PASSWORD, "onward": onward}
    reply = await server.http.post("/sign-in", data=fields, headers=HTML)
    assert (reply.status_code, reply.headers["location"]) == (303, "/")
    server.http.cookies.clear()


async def test_a_wrong_password_is_told_without_saying_which_half_is_wrong(server: Server) -> None:
    reply = await server.http.post("/sign-in", data={"email": "nobody@example.com", "password": "x"}, headers=HTML)
    assert reply.status_code == 401
    assert "The e-mail address or the password is wrong." in reply.text
    assert 'value="nobody@example.com"' in reply.text


async def test_a_sign_in_from_another_site_is_refused(server: Server) -> None:
    fields = {"email": "a@example.com", "password": "x"}
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}):
        reply = await server.http.post("/sign-in", data=fields, headers={**HTML, **headers})
        assert reply.status_code == 403, headers


async def test_signing_out_ends_the_sign_in(owner: Person) -> None:
    assert (await owner.post("/sign-out")).status_code == 303
    assert (await owner.get("/")).status_code == 401


async def test_a_form_without_the_page_s_mark_does_nothing(owner: Person) -> None:
    for mark in ("", "nonsense", "é", owner.csrf[:-4] + "AAAA"):
        reply = await owner.post("/sign-out", csrf=mark)
        assert reply.status_code == 403, mark
        assert "not sent from a page of yours" in reply.text
    assert (await owner.get("/")).status_code == 200


async def test_every_page_has_a_mark_of_its_own(owner: Person) -> None:
    first, second = (await owner.get("/")).text, (await owner.get("/")).text
    marks = [re.findall(r'name="_csrf" value="([^"]+)"', page)[0] for page in (first, second)]
    assert marks[0] != marks[1], "compressed pages would leak a mark that is always the same"
    for mark in marks:
        assert (await owner.post("/nowhere", csrf=mark)).status_code in {404, 405}


async def test_a_page_carries_a_strict_policy_and_is_never_kept(owner: Person) -> None:
    page = await owner.get("/")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert " style=" not in page.text
    assert not re.search(r"<script(?![^>]*\bsrc=)", page.text), "no inline script"


async def test_the_api_does_not_take_the_cookie(owner: Person) -> None:
    reply = await owner.server.http.get("/api/v1/agents", headers=owner.cookies)
    assert reply.status_code == 401


async def test_a_key_is_no_sign_in(server: Server) -> None:
    page = await server.http.get("/", headers={**HTML, "cookie": f"{SESSION_COOKIE}={server.key}"})
    assert page.status_code == 401


async def test_a_member_sees_no_control_that_would_be_refused(member: Person) -> None:
    page = await member.get("/")
    assert page.status_code == 200
    assert "/settings/providers" not in page.text


async def test_assets_are_kept_by_browsers_until_they_change(server: Server) -> None:
    kept = await server.http.get(asset_url("app.css"))
    assert kept.status_code == 200
    assert "immutable" in kept.headers["cache-control"]
    assert (await server.http.get("/assets/app.css?v=old")).headers["cache-control"] == "no-cache"
    for path in ("/assets/../render.py", "/assets/nothing.js", "/assets/vendor/README.md"):
        assert (await server.http.get(path)).status_code == 404


async def test_the_holder_of_the_first_start_s_code_becomes_the_owner(server: Server) -> None:
    code = claiming.setup_code(server.runtime)
    page = await server.http.get(f"/start?code={code}", headers=HTML)
    assert "choose your password" in page.text
    fields = {"code": code, "email": "ada@example.com", "name": "Ada", "password": "short"}
    refused = await server.http.post("/start", data=fields, headers=HTML)
    assert refused.status_code == 422
    assert 'id="f-password-problem"' in refused.text
    assert 'value="ada@example.com"' in refused.text
    started = await server.http.post("/start", data={**fields, "password": PASSWORD}, headers=HTML)
    assert (started.status_code, started.headers["location"]) == (303, "/")
    server.http.cookies.clear()
    again = await server.http.post("/start", data={**fields, "password": "another password"}, headers=HTML)
    assert again.status_code == 403
    assert "is not good any more" in (await server.http.get(f"/start?code={code}", headers=HTML)).text
    signed = await server.http.post("/sign-in", data={"email": "ada@example.com", "password": PASSWORD}, headers=HTML)
    assert signed.status_code == 303
    server.http.cookies.clear()
    async with anonymous(server.runtime, request_id="test", face="test").begin(write=False) as ctx:
        assert await claiming.open_setup_code(ctx) is None


async def test_a_wrong_code_opens_nothing(server: Server) -> None:
    assert "is not good any more" in (await server.http.get("/start?code=guess", headers=HTML)).text
    fields = {"code": "guess", "email": "eve@example.com", "name": "Eve", "password": PASSWORD}
    assert (await server.http.post("/start", data=fields, headers=HTML)).status_code == 403


async def test_a_page_that_is_not_there_is_told_in_words_with_the_request_s_id(owner: Person) -> None:
    page = await owner.get("/nothing-here")
    assert page.status_code == 404
    assert "<h1>This is not here</h1>" in page.text
    assert page.headers["x-request-id"] in page.text
    reply = await owner.server.http.get("/nothing-here", headers={"accept": "application/json"})
    assert reply.json()["error"]["code"] == "not_found"


async def test_a_defect_is_told_with_the_id_under_which_it_was_logged(
    owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret inside")

    monkeypatch.setattr(home, "html", broken)
    page = await owner.get("/")
    assert page.status_code == 500
    assert page.headers["x-request-id"] in page.text
    assert "secret inside" not in page.text
    part = await owner.get("/_home/latest", htmx=True)
    assert (part.status_code, part.headers["hx-retarget"]) == (500, "#toasts")


async def test_a_part_of_a_page_that_is_refused_is_told_in_the_corner(member: Person) -> None:
    part = await member.get("/nothing-here", htmx=True)
    assert (part.status_code, part.headers["hx-retarget"]) == (404, "#toasts")
    gone = await Person(member.server, "", "sess_gone").get("/_home/latest", htmx=True)
    assert (gone.status_code, gone.headers["hx-refresh"]) == (401, "true")
