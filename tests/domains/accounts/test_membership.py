"""Roles, people who leave, sign-ins of one's own, and when a key was last used."""

from typing import Any

import pytest

from interlock.domains.accounts import repository, uses
from tests.domains.webhooks.post import json_of
from tests.support.app import Server

PASSWORD = "correct horse battery"


async def person(server: Server, name: str, role: str = "member") -> dict[str, Any]:
    body = {"email": f"{name}@example.com", "name": name, "role": role, "password": PASSWORD}
    return json_of(await server.post("/api/v1/users", body))


async def signed_in(server: Server, name: str) -> str:
    body = {"email": f"{name}@example.com", "password": PASSWORD}
    return str(json_of(await server.http.post("/api/auth/sign-in", json=body))["token"])


async def asked(server: Server, method: str, path: str, token: str, body: Any = None) -> tuple[int, Any]:
    answer = await server.http.request(method, path, json=body, headers={"authorization": f"Bearer {token}"})
    return answer.status_code, answer.json()


async def test_a_role_changes_what_a_person_may_do_at_once(server: Server) -> None:
    ann = await person(server, "ann")
    token = await signed_in(server, "ann")
    assert (await asked(server, "GET", "/api/v1/users", token))[0] == 403
    changed = json_of(await server.patch(f"/api/v1/users/{ann['id']}", {"role": "admin", "name": "Ann B."}))
    assert (changed["role"], changed["name"]) == ("admin", "Ann B.")
    assert (await asked(server, "GET", "/api/v1/users", token))[0] == 200


async def test_the_last_owner_stays(server: Server) -> None:
    (owner,) = json_list(await server.get("/api/v1/users"))
    for method, path, body in (
        ("PATCH", f"/api/v1/users/{owner['id']}", {"role": "admin"}),
        ("POST", f"/api/v1/users/{owner['id']}/deactivate", {}),
    ):
        refused = await server.http.request(method, path, json=body, headers={"x-api-key": server.key})
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "last_owner")
    second = await person(server, "second", "owner")
    json_of(await server.post(f"/api/v1/users/{owner['id']}/deactivate"))
    # The second is now the last, and the key's owner, though deactivated, is still what the key answers for.
    refused = await server.patch(f"/api/v1/users/{second['id']}", {"role": "member"})
    assert refused.json()["error"]["code"] == "last_owner"


async def test_an_admin_neither_makes_nor_unmakes_owners(server: Server) -> None:
    (owner,) = json_list(await server.get("/api/v1/users"))
    ann = await person(server, "ann", "admin")
    await person(server, "olga", "owner")
    token = await signed_in(server, "ann")
    for method, path, body in (
        ("PATCH", f"/api/v1/users/{ann['id']}", {"role": "owner"}),
        ("PATCH", f"/api/v1/users/{owner['id']}", {"role": "member"}),
        ("POST", f"/api/v1/users/{owner['id']}/deactivate", {}),
        ("POST", "/api/v1/users", {"email": "new@example.com", "name": "New", "role": "owner"}),
    ):
        assert (await asked(server, method, path, token, body))[0] == 403, path
    assert (await asked(server, "POST", "/api/v1/users", token, {"email": "m@example.com", "name": "M"}))[0] == 200


async def test_who_is_deactivated_is_out_at_once_and_may_come_back(server: Server) -> None:
    ann = await person(server, "ann")
    token = await signed_in(server, "ann")
    gone = json_of(await server.post(f"/api/v1/users/{ann['id']}/deactivate"))
    assert gone["deactivated_at"]
    assert (await asked(server, "GET", "/api/auth/me", token))[0] == 401
    refused = await server.http.post("/api/auth/sign-in", json={"email": "ann@example.com", "password": PASSWORD})
    assert refused.status_code == 401
    assert (await server.post(f"/api/v1/users/{ann['id']}/deactivate")).status_code == 409
    assert json_of(await server.post(f"/api/v1/users/{ann['id']}/reactivate"))["deactivated_at"] is None
    assert (await asked(server, "GET", "/api/auth/me", token))[0] == 401
    await signed_in(server, "ann")


async def test_people_of_another_workspace_are_not_there(server: Server) -> None:
    ann = await person(server, "ann")
    stranger = await server.another_workspace()
    assert (await server.patch(f"/api/v1/users/{ann['id']}", {"role": "admin"}, key=stranger)).status_code == 404
    assert (await server.post(f"/api/v1/users/{ann['id']}/deactivate", key=stranger)).status_code == 404


async def test_a_person_sees_and_ends_their_own_sessions(server: Server) -> None:
    await person(server, "ann")
    await person(server, "bob")
    first, second, third = [await signed_in(server, "ann") for _ in range(3)]
    theirs = await signed_in(server, "bob")
    status, found = await asked(server, "GET", "/api/auth/sessions", second)
    assert (status, [each["is_current"] for each in found]) == (200, [False, True, False])
    assert found[0]["source"] == "127.0.0.1"
    assert "token" not in str(found)
    assert (await asked(server, "DELETE", f"/api/auth/sessions/{found[0]['id']}", theirs))[0] == 404
    assert (await asked(server, "DELETE", f"/api/auth/sessions/{found[0]['id']}", second))[0] == 200
    assert (await asked(server, "GET", "/api/auth/me", third))[0] == 401
    status, left = await asked(server, "POST", "/api/auth/sessions/end-others", second)
    assert [each["id"] for each in left] == [found[1]["id"]]
    assert (await asked(server, "GET", "/api/auth/me", first))[0] == 401
    assert (await asked(server, "GET", "/api/auth/me", second))[0] == 200
    assert (await asked(server, "GET", "/api/auth/me", theirs))[0] == 200


async def test_keys_have_no_sessions(server: Server) -> None:
    assert (await server.get("/api/auth/sessions")).status_code == 401


async def test_a_keys_last_use_is_shown_at_once_and_written_seldom(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []
    add_uses = repository.add_uses

    async def counted(ctx: Any, latest: Any) -> None:
        written.append(len(latest))
        await add_uses(ctx, latest)

    monkeypatch.setattr(uses, "add_uses", counted)
    fresh = json_of(await server.post("/api/v1/api-keys", {"name": "fresh", "scopes": ["agents"]}))
    assert [key["last_used_at"] is None for key in json_list(await server.get("/api/v1/api-keys"))] == [True, False]
    for _ in range(20):
        await server.get("/api/v1/agents", key=fresh["key"])
    assert written == []
    await uses.write(server.runtime)
    assert written == [2]
    keys = json_list(await server.get("/api/v1/api-keys"))
    assert all(key["last_used_at"] for key in keys)


def json_list(answer: Any) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    return list(answer.json())
