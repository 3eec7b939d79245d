"""Hooks: the exact bytes are signed, one call is one run, floods are counted, and nobody learns what is not theirs."""

import asyncio
import hashlib
import json
from collections import Counter
from datetime import timedelta
from itertools import pairwise
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from interlock.domains.webhooks.jobs import purge
from interlock.domains.webhooks.models import hook_counters, hook_receipts, hooks
from interlock.domains.webhooks.tally import tally_of
from interlock.kit.signatures import key_of, standard_headers
from tests.domains.webhooks.post import json_of, plain
from tests.support.app import Server

ENDED = ("completed", "failed", "cancelled")


async def workflow(server: Server, *nodes: dict[str, Any], publish: bool = True) -> str:
    """A workflow of nodes in a row; without any it gives back what it is given."""
    keys = [node["id"] for node in nodes]
    edges = [{"source": one, "target": two} for one, two in pairwise(keys)]
    made = json_of(await server.post("/api/v1/workflows", {"name": "hooked", "nodes": nodes, "edges": edges}))
    if publish:
        json_of(await server.patch(f"/api/v1/workflows/{made['id']}", {"status": "published"}))
    return str(made["id"])


async def hook(server: Server, **more: Any) -> dict[str, Any]:
    """A hook of a published workflow."""
    body = {"workflow_id": more.pop("workflow_id", None) or await workflow(server), **more}
    return json_of(await server.post("/api/v1/hooks", body))


async def call(server: Server, made: dict[str, Any], body: bytes, **headers: str) -> httpx.Response:
    """A call with these headers, signed where the hook has a secret and none of them is a signature."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if made.get("secret") and not any("signature" in name for name in named):
        named["x-stryda-signature"] = plain(body, made["secret"])
    return await server.http.post(f"/hooks/{made['slug']}", content=body, headers=named)


async def shown(server: Server, made: dict[str, Any]) -> dict[str, Any]:
    return json_of(await server.get(f"/api/v1/hooks/{made['id']}"))


async def run_of(server: Server, run_id: str) -> dict[str, Any]:
    return json_of(await server.get(f"/api/v1/runs/{run_id}"))


async def runs(server: Server) -> list[dict[str, Any]]:
    return list((await server.get("/api/v1/runs", limit=200)).json())


def code_of(answer: httpx.Response) -> tuple[int, str]:
    assert set(answer.json()) == {"detail", "error"}
    return answer.status_code, answer.json()["error"]["code"]


@pytest.mark.parametrize(
    "body",
    [
        b'{"order": "NW-10482"}',
        '{"name": "Grüße, 東京 \N{PILE OF POO}", "text": "\\u00e9\\ud83d\\ude00"}'.encode(),
        b'  {"b" : 1,\n\t"a":2}  ',
        b"{}",
    ],
)
async def test_a_signed_call_starts_the_workflow_with_the_whole_body(server: Server, body: bytes) -> None:
    made = await hook(server, slug="orders", respond=True)
    answer = json_of(await call(server, made, body))
    assert (answer["status"], answer["output"]) == ("completed", json.loads(body))
    run = await run_of(server, answer["run_id"])
    assert (run["status"], run["workflow_id"]) == ("completed", made["workflow_id"])


async def test_a_hook_that_does_not_respond_answers_at_once(server: Server) -> None:
    made = await hook(server)
    answer = json_of(await call(server, made, b"{}"))
    assert set(answer) == {"status", "run_id"}
    assert answer["status"] == "accepted"
    assert answer["run_id"].startswith("run_")
    assert made["url"].endswith(f"/hooks/{made['slug']}")
    assert len(made["slug"]) > 40


@pytest.mark.parametrize(("body", "given"), [(b"[1, 2]", [1, 2]), (b'"x"', "x"), (b"null", None), (b"7", 7)])
async def test_json_that_is_no_object_arrives_in_the_field_body(server: Server, body: bytes, given: Any) -> None:
    made = await hook(server, respond=True)
    assert json_of(await call(server, made, body))["output"] == {"body": given}


async def test_a_call_that_is_not_signed_with_the_secret_is_refused(server: Server) -> None:
    made = await hook(server)
    body = b'{"amount": 10}'
    right = plain(body, made["secret"])
    refused = [
        await server.http.post(f"/hooks/{made['slug']}", content=body),
        await call(server, made, body, x_stryda_signature=""),
        await call(server, made, body, x_stryda_signature=plain(body, "another secret")),
        await call(server, made, body, x_stryda_signature=right.removeprefix("sha256=")),
        await call(server, made, body, x_stryda_signature="sha256=" + hashlib.sha256(body).hexdigest()),
        await call(server, made, b'{"amount": 99}', x_stryda_signature=right),
        await call(server, made, body + b" ", x_stryda_signature=right),
        await call(server, made, b"not json", x_stryda_signature=right),
        await call(server, made, body, x_stryda_signature="sha256=%ff \t;"),
        # One header is enough to be judged by: a good one of another scheme does not help.
        await call(server, made, body, x_stryda_signature="sha256=00", x_hub_signature_256=right),
    ]
    assert {code_of(answer) for answer in refused} == {(401, "unauthorized")}
    assert await runs(server) == []
    assert (await shown(server, made))["refused"] == len(refused)
    assert (await call(server, made, body, x_stryda_signature=right)).status_code == 200


async def test_senders_of_other_schemes_are_understood(server: Server) -> None:
    made = await hook(server)
    body = b'{"zen": "Keep it logically awesome."}'
    signed = plain(body, made["secret"])
    now = server.runtime.clock.now()
    standard = standard_headers("msg_1", now, body, [key_of(made["secret"])])
    stale = standard_headers("msg_1", now - timedelta(minutes=6), body, [key_of(made["secret"])])
    for headers, status in (
        ({"x-hub-signature-256": signed}, 200),
        ({"x-stratam-signature": signed}, 200),
        (dict(standard), 200),
        (dict(stale), 401),
        ({**standard, "webhook-id": "msg_2"}, 401),
    ):
        answer = await server.http.post(f"/hooks/{made['slug']}", content=body, headers=headers)
        assert answer.status_code == status, headers


async def test_an_open_hook_takes_any_call(server: Server) -> None:
    made = await hook(server, secret=None)
    assert (made["has_secret"], made["secret"], made["secret_end"]) == (False, None, None)
    assert (await call(server, made, b"{}")).status_code == 200
    closed = json_of(await server.post(f"/api/v1/hooks/{made['id']}/rotate-secret"))
    assert (await server.http.post(f"/hooks/{made['slug']}", content=b"{}")).status_code == 401
    assert (await call(server, closed, b"{}")).status_code == 200
    json_of(await server.post(f"/api/v1/hooks/{made['id']}/rotate-secret", {"secret": None}))
    assert (await call(server, made, b"{}")).status_code == 200


async def test_a_secret_is_shown_once_stored_sealed_and_dead_when_replaced(server: Server) -> None:
    given = "a-secret-of-the-sender's-choice"
    first = await hook(server, secret=given)
    assert first["secret"] == given
    assert "secret" not in await shown(server, first)
    second = json_of(await server.post(f"/api/v1/hooks/{first['id']}/rotate-secret"))
    assert second["secret"].startswith("whsec_")
    assert (await call(server, first, b"{}")).status_code == 401
    assert (await call(server, second, b"{}")).status_code == 200
    async with (await server.ctx()).begin(write=False) as ctx:
        row = (await (await ctx.session()).execute(select(hooks))).one()
    assert second["secret"].encode() not in row.secret


async def test_what_is_not_to_be_found_looks_the_same_to_the_caller(server: Server) -> None:
    missing = await server.http.post("/hooks/never-was", content=b"{}")
    assert code_of(missing) == (404, "not_found")
    paused = await hook(server, slug="paused")
    await server.patch(f"/api/v1/hooks/{paused['id']}", {"status": "paused"})
    draft = await hook(server, slug="draft", workflow_id=await workflow(server, publish=False))
    gone = await hook(server, slug="gone")
    await server.delete(f"/api/v1/hooks/{gone['id']}")
    orphan = await hook(server, slug="orphan")
    assert (await server.delete(f"/api/v1/workflows/{orphan['workflow_id']}")).status_code == 200
    for made in (paused, draft, gone, orphan):
        answer = await call(server, made, b"{}")
        assert code_of(answer) == (404, "not_found"), made["slug"]
        assert answer.json()["detail"] == missing.json()["detail"].replace("never-was", made["slug"])
    await server.patch(f"/api/v1/hooks/{paused['id']}", {"status": "active"})
    assert (await call(server, paused, b"{}")).status_code == 200
    assert len(await runs(server)) == 1


async def test_what_is_no_json_is_refused(server: Server) -> None:
    made = await hook(server)
    for body in (b"", b"  ", b"{", b"order=1", b'{"a": NaN}', b"\xff\xfe{}", b"[" * 100 + b"]" * 100):
        assert code_of(await call(server, made, body)) == (400, "invalid_request"), body
    assert code_of(await call(server, made, b'{"a": "\\u0000"}'))[0] == 422
    assert await runs(server) == []


async def test_a_body_beyond_the_limit_is_refused(server: Server) -> None:
    made = await hook(server)
    body = b'"' + b"x" * server.runtime.settings.max_body_bytes + b'"'
    assert code_of(await call(server, made, body)) == (413, "body_too_large")


async def test_an_exhausted_budget_starts_nothing(server: Server) -> None:
    made = await hook(server, duplicate_guard="body")
    await server.patch("/api/v1/budget", {"monthly_cap": 0})
    assert code_of(await call(server, made, b"{}")) == (503, "budget_exceeded")
    assert await runs(server) == []
    await server.patch("/api/v1/budget", {"monthly_cap": None})
    assert "duplicate" not in json_of(await call(server, made, b"{}"))  # the refused call left no receipt


async def test_who_cannot_sign_takes_no_room_from_who_can(server: Server) -> None:
    made = await hook(server, rate_limit_per_minute=2)
    for _ in range(5):
        refused = await server.http.post(f"/hooks/{made['slug']}", content=b"{}")
        assert refused.status_code == 401
    assert (await call(server, made, b"{}")).status_code == 200


async def test_a_flood_is_counted_and_cut_off(server: Server) -> None:
    made = await hook(server, secret=None, rate_limit_per_minute=50)
    answers = []
    for _ in range(10):
        answers += await asyncio.gather(*(call(server, made, b"{}") for _ in range(100)))
    accepted = Counter(answer.status_code for answer in answers)[200]
    # On PostgreSQL minutes are those of the clock, and the flood may see the end of one.
    assert accepted in ({50} if not server.runtime.database.is_postgres else set(range(50, 101)))
    assert all(answer.status_code == 429 for answer in answers if answer.status_code != 200)
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert code_of(refused) == (429, "rate_limited")
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    after = await shown(server, made)
    assert (after["accepted"], after["refused"]) == (accepted, 1_000 - accepted)
    await tally_of(server.runtime).write(await server.ctx())
    assert await shown(server, made) == after
    async with (await server.ctx()).begin(write=False) as ctx:
        row = (await (await ctx.session()).execute(select(hook_counters))).one()
    assert (row.accepted, row.refused) == (accepted, 1_000 - accepted)
    assert len(await runs(server)) == accepted


async def test_counts_add_up_over_several_writings(server: Server) -> None:
    made = await hook(server, secret=None, slug="counted")
    for _ in range(3):
        json_of(await call(server, made, b"{}"))
        await tally_of(server.runtime).write(await server.ctx())
    (listed,) = (await server.get("/api/v1/hooks", status="active")).json()
    assert (listed["accepted"], listed["refused"]) == (3, 0)
    assert listed["last_received_at"]


@pytest.mark.parametrize(
    ("guard", "one", "two"),
    [
        ({"duplicate_guard": "body"}, (b'{"n": 1}', {}), (b'{"n": 2}', {})),
        (
            {"duplicate_guard": "header", "duplicate_header": "X-GitHub-Delivery"},
            (b'{"n": 1}', {"x_github_delivery": "a"}),
            (b'{"n": 1}', {"x_github_delivery": "b"}),
        ),
    ],
)
async def test_a_call_that_was_made_before_starts_nothing(
    server: Server, guard: dict[str, str], one: tuple[bytes, dict[str, str]], two: tuple[bytes, dict[str, str]]
) -> None:
    made = await hook(server, **guard)
    first = json_of(await call(server, made, one[0], **one[1]))
    again = json_of(await call(server, made, one[0], **one[1]))
    assert again == {**first, "duplicate": True}
    other = json_of(await call(server, made, two[0], **two[1]))
    assert other["run_id"] != first["run_id"]
    assert len(await runs(server)) == 2
    after = await shown(server, made)
    assert (after["accepted"], after["duplicates"]) == (2, 1)


async def test_without_the_header_that_tells_calls_apart_a_call_is_refused(server: Server) -> None:
    made = await hook(server, duplicate_guard="header", duplicate_header="webhook-id")
    assert code_of(await call(server, made, b"{}")) == (400, "invalid_request")


async def test_duplicates_at_the_same_moment_are_one_run(server: Server) -> None:
    made = await hook(server, duplicate_guard="body")
    answers = await asyncio.gather(*(call(server, made, b'{"event": 1}') for _ in range(12)))
    told = [json_of(answer) for answer in answers]
    assert len({answer["run_id"] for answer in told}) == 1
    assert sum("duplicate" not in answer for answer in told) == 1
    assert len(await runs(server)) == 1


async def test_a_receipt_ends_with_its_window(server: Server) -> None:
    made = await hook(server, duplicate_guard="body", duplicate_seconds=60)
    first = json_of(await call(server, made, b"{}"))
    async with (await server.ctx()).begin() as ctx:
        old = hook_receipts.update().values(received_at=ctx.now - timedelta(seconds=61))
        await (await ctx.session()).execute(old)
    second = json_of(await call(server, made, b"{}"))
    assert second["run_id"] != first["run_id"]
    assert json_of(await call(server, made, b"{}")) == {**second, "duplicate": True}
    async with (await server.ctx()).begin() as ctx:
        old = hook_receipts.update().values(received_at=ctx.now - timedelta(days=8))
        await (await ctx.session()).execute(old)
    await purge(await server.ctx())
    async with (await server.ctx()).begin(write=False) as ctx:
        assert (await (await ctx.session()).execute(select(hook_receipts))).all() == []


async def test_a_run_that_takes_longer_is_answered_with_its_id(server: Server) -> None:
    slow = {"id": "pause", "kind": "delay", "config": {"seconds": 3600}}
    made = await hook(server, workflow_id=await workflow(server, slow), respond=True, respond_seconds=1)
    answer = json_of(await call(server, made, b"{}"))
    assert (answer["status"], set(answer)) == ("accepted", {"status", "run_id"})
    assert (await run_of(server, answer["run_id"]))["status"] not in ENDED


async def test_a_responding_hook_gives_what_the_workflow_computes(server: Server) -> None:
    nodes = {"id": "sum", "kind": "transform", "config": {"expression": "{'total': input.a + input.b}"}}
    made = await hook(server, workflow_id=await workflow(server, nodes), respond=True)
    answer = json_of(await call(server, made, b'{"a": 2, "b": 40}'))
    assert (answer["status"], answer["output"], answer["error"]) == ("completed", {"total": 42}, None)
    failed = json_of(await call(server, made, b'{"a": 2, "b": []}'))
    assert failed["status"] == "failed"
    assert "sum" in failed["error"]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"slug": "no/slash"}, 422),
        ({"slug": "ab"}, 422),
        ({"slug": "TAKEN"}, 200),
        ({"slug": "taken"}, 409),
        ({"secret": "short"}, 422),
        ({"rate_limit_per_minute": 0}, 422),
        ({"duplicate_guard": "header"}, 422),
        ({"duplicate_header": "x-id"}, 422),
        ({"duplicate_guard": "body", "duplicate_header": "x-id"}, 422),
        ({"duplicate_seconds": 604_801}, 422),
        ({"respond_seconds": 61}, 422),
        ({"action": "vault"}, 422),
        ({"workflow_id": "wf_01h455vb4pex5vsknk084sn02q"}, 404),
    ],
)
async def test_what_a_hook_may_be(server: Server, change: dict[str, Any], status: int) -> None:
    first = await hook(server, slug="taken")
    answer = await server.post("/api/v1/hooks", {"workflow_id": first["workflow_id"], **change})
    assert answer.status_code == status, answer.text


async def test_a_slug_belongs_to_one_workspace_of_the_server(server: Server) -> None:
    await hook(server, slug="taken")
    other = await server.another_workspace()
    theirs = json_of(await server.post("/api/v1/workflows", {"name": "theirs"}, key=other))
    answer = await server.post("/api/v1/hooks", {"workflow_id": theirs["id"], "slug": "taken"}, key=other)
    assert code_of(answer) == (409, "conflict")
    assert (await server.get("/api/v1/hooks", key=other)).json() == []


async def test_a_change_of_a_hook_is_in_force_at_once(server: Server) -> None:
    made = await hook(server)
    path, changed = f"/api/v1/hooks/{made['id']}", made
    for change in (
        {"name": "Orders"},
        {"respond": True, "respond_seconds": 5},
        {"duplicate_guard": "header", "duplicate_header": "x-id"},
        {"duplicate_guard": "off"},
        {"rate_limit_per_minute": 5},
        {"rate_limit_per_minute": None},
        {"workflow_id": await workflow(server)},
    ):
        changed = json_of(await server.patch(path, change))
        assert {name: changed[name] for name in change} == change
        headers = {"x_id": "1"} if changed["duplicate_guard"] == "header" else {}
        assert (await call(server, made, b"{}", **headers)).status_code == 200
    assert changed["duplicate_header"] is None
    for wrong in ({"name": None}, {"status": None}, {"workflow_id": None}, {"respond": None}, {"slug": "new"}):
        assert (await server.patch(path, wrong)).status_code == 422, wrong
