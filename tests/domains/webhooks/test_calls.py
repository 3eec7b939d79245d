"""The log of received calls: what came, what became of it, once more; bounded, and without what proves who called."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from interlock.domains.webhooks import call_log
from interlock.domains.webhooks.call_log import call_log_of, shown_headers
from interlock.domains.webhooks.jobs import purge
from interlock.domains.webhooks.models import hook_calls
from interlock.domains.webhooks.states import CallOutcome
from interlock.domains.webhooks.tally import tally_of
from interlock.domains.webhooks.views import HookId
from tests.domains.webhooks.post import json_of, plain
from tests.domains.webhooks.test_hooks import call, code_of, hook, run_of, runs
from tests.support.app import Server


async def calls_of(server: Server, made: dict[str, Any], **filters: Any) -> list[dict[str, Any]]:
    """The noted calls, newest first."""
    await tally_of(server.runtime).write(await server.ctx())
    return list((await server.get(f"/api/v1/hooks/{made['id']}/calls", **filters)).json())


async def detail(server: Server, made: dict[str, Any], noted: dict[str, Any]) -> dict[str, Any]:
    return json_of(await server.get(f"/api/v1/hooks/{made['id']}/calls/{noted['id']}"))


async def test_every_call_is_noted_with_what_became_of_it(server: Server) -> None:
    made = await hook(server, duplicate_guard="body")
    body = b'{"order": "NW-1"}'
    run_id = json_of(await call(server, made, body))["run_id"]
    json_of(await call(server, made, body))
    assert (await call(server, made, b'{"n": 1}', x_stryda_signature="sha256=00")).status_code == 401
    assert (await call(server, made, b"{")).status_code == 400
    noted = await calls_of(server, made)
    assert [(each["outcome"], each["code"], each["run_id"]) for each in noted] == [
        ("refused", "invalid_request", None),
        ("refused", "unauthorized", None),
        ("duplicate", None, run_id),
        ("accepted", None, run_id),
    ]
    assert noted[1]["error"]
    assert [each["outcome"] for each in await calls_of(server, made, outcome="accepted")] == ["accepted"]
    whole = await detail(server, made, noted[-1])
    assert (whole["payload"], whole["size"], whole["source"]) == (body.decode(), len(body), "127.0.0.1")


async def test_what_proves_who_called_is_kept_nowhere(server: Server) -> None:
    made = await hook(server)
    body = b"{}"
    secrets = {
        "authorization": "Bearer abc-secret",
        "cookie": "session=abc-secret",
        "x-api-key": "abc-secret",
        "x-gitlab-token": "abc-secret",
        "x-stryda-signature": plain(body, made["secret"]),
    }
    answer = await server.http.post(f"/hooks/{made['slug']}", content=body, headers={**secrets, "x-event": "push"})
    assert answer.status_code == 200
    (noted,) = await calls_of(server, made)
    headers = (await detail(server, made, noted))["headers"]
    assert {name: headers[name] for name in secrets} == dict.fromkeys(secrets, call_log.WITHHELD)
    assert headers["x-event"] == "push"
    async with (await server.ctx()).begin(write=False) as ctx:
        row = (await (await ctx.session()).execute(select(hook_calls))).one()
    assert "abc-secret" not in str(row)
    assert plain(body, made["secret"]) not in str(row)


def test_headers_are_bounded() -> None:
    shown = shown_headers({f"x-{number}": "y" * 1_000 for number in range(100)})
    assert len(shown) == 40
    assert set(map(len, shown.values())) == {300}


async def test_a_call_is_made_again_with_what_it_said(server: Server) -> None:
    made = await hook(server)
    json_of(await call(server, made, b'{"order": "NW-1"}'))
    (noted,) = await calls_of(server, made)
    again = json_of(await server.post(f"/api/v1/hooks/{made['id']}/calls/{noted['id']}/replay"))
    assert (again["outcome"], again["replay_of"]) == ("accepted", noted["id"])
    assert again["run_id"] != noted["run_id"]
    assert (await run_of(server, again["run_id"]))["input"] == (await run_of(server, noted["run_id"]))["input"]
    assert [each["id"] for each in await calls_of(server, made)] == [again["id"], noted["id"]]


async def test_what_was_not_signed_or_not_kept_is_not_made_again(server: Server) -> None:
    made = await hook(server)
    await call(server, made, b"{}", x_stryda_signature="sha256=00")
    await call(server, made, b'"' + b"x" * call_log.LARGEST_PAYLOAD + b'"')
    large, forged = await calls_of(server, made)
    assert (large["outcome"], (await detail(server, made, large))["payload"]) == ("accepted", None)
    for noted in (large, forged):
        path = f"/api/v1/hooks/{made['id']}/calls/{noted['id']}/replay"
        assert code_of(await server.post(path)) == (409, "conflict")
    assert len(await runs(server)) == 1


async def test_a_paused_hook_and_a_foreign_one_replay_nothing(server: Server) -> None:
    made, other = await hook(server), await hook(server)
    json_of(await call(server, made, b"{}"))
    (noted,) = await calls_of(server, made)
    assert (await server.get(f"/api/v1/hooks/{other['id']}/calls/{noted['id']}")).status_code == 404
    stranger = await server.another_workspace()
    for path in (f"/api/v1/hooks/{made['id']}/calls", f"/api/v1/hooks/{made['id']}/calls/{noted['id']}"):
        assert (await server.get(path, key=stranger)).status_code == 404
    await server.patch(f"/api/v1/hooks/{made['id']}", {"status": "paused"})
    path = f"/api/v1/hooks/{made['id']}/calls/{noted['id']}/replay"
    assert code_of(await server.post(path)) == (409, "conflict")


async def test_a_flood_of_forged_calls_pushes_no_good_one_out(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(call_log.KEPT, CallOutcome.REFUSED, 30)
    made = await hook(server)
    json_of(await call(server, made, b"{}"))
    for _ in range(3):
        await asyncio.gather(*(call(server, made, b"{}", x_stryda_signature="sha256=00") for _ in range(60)))
        await calls_of(server, made)
    noted = await calls_of(server, made, limit=200)
    assert [each["outcome"] for each in noted].count("accepted") == 1
    assert [each["outcome"] for each in noted].count("refused") == 30
    assert json_of(await server.get(f"/api/v1/hooks/{made['id']}"))["refused"] == 180


async def test_only_the_newest_calls_stay_and_none_beyond_their_time(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(call_log.KEPT, CallOutcome.ACCEPTED, 5)
    made = await hook(server)
    for number in range(8):
        json_of(await call(server, made, b'{"n": %d}' % number))
    noted = await calls_of(server, made)
    assert [(await detail(server, made, each))["payload"] for each in noted] == [
        f'{{"n": {n}}}' for n in range(7, 2, -1)
    ]
    async with (await server.ctx()).begin() as ctx:
        old = (
            hook_calls.update()
            .values(received_at=ctx.now - timedelta(days=31))
            .where(hook_calls.c.outcome != "refused")
        )
        await (await ctx.session()).execute(old)
    await purge(await server.ctx())
    assert await calls_of(server, made) == []


async def test_a_deleted_hook_takes_its_calls_along(server: Server) -> None:
    made = await hook(server)
    json_of(await call(server, made, b"{}"))
    await calls_of(server, made)
    json_of(await call(server, made, b"{}"))
    await server.delete(f"/api/v1/hooks/{made['id']}")
    ctx = await server.ctx()
    assert not call_log_of(server.runtime)
    async with ctx.begin(write=False) as reading:
        counting = select(func.count()).select_from(hook_calls)
        assert (await (await reading.session()).execute(counting)).scalar_one() == 0


async def test_what_waits_to_be_written_is_bounded(server: Server) -> None:
    ctx, calls = await server.ctx(), call_log_of(server.runtime)
    key = HookId.new()
    for _ in range(2_000):
        calls.note(ctx, key, CallOutcome.ACCEPTED, {}, b"x" * 60_000)
    assert sum(len(row["payload"] or "") for row in calls._rows[ctx.workspace_id]) <= 16_000_000
    assert len(calls._rows[ctx.workspace_id]) == 400
    calls.forget(key)
    assert not calls
