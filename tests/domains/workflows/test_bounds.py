"""The walk through a workflow where much happens at once, or again and again."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from interlock.domains.workflows import children, launching, walk
from interlock.domains.workflows.manifest import Work
from interlock.domains.workflows.nodes.workflow import node as workflow_node
from interlock.domains.workflows.service import Launch
from interlock.kit.ids import RunId
from interlock.runtime.context import Ctx
from tests.domains.workflows.support import chain, create, node, ran
from tests.support.app import Server


async def test_branches_that_begin_at_the_same_time_are_each_put_on_record_once(server: Server) -> None:
    names = ["a", "b", "c", "d"]
    run = await ran(
        server,
        [
            node("start", "trigger"),
            node("fan", "parallel"),
            *(node(name, "delay", seconds=0) for name in names),
            node("both", "join"),
        ],
        [*chain("start", "fan"), *(edge for name in names for edge in chain("fan", name, "both"))],
    )
    assert run["status"] == "completed", run["error"]
    assert sorted(found["node_id"] for found in run["nodes"]) == ["a", "b", "both", "c", "d", "fan", "start"]


async def test_every_turn_of_a_long_loop_is_put_on_record_once(server: Server) -> None:
    run = await ran(
        server,
        [node("each", "loop", items="input.items"), node("one", "transform", expression="item"), node("o", "output")],
        [*chain("each:item", "one"), *chain("each:done", "o")],
        {"items": list(range(250))},
    )
    assert run["status"] == "completed", run["error"]
    assert run["output"]["items"] == list(range(250))
    turns = [found["node_id"] for found in run["nodes"] if found["node_id"].endswith("/one")]
    assert turns == [f"each/{number}/one" for number in range(250)]


async def test_loops_that_make_too_much_of_a_run_end_it(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "MOST_TURNS", 30)
    run = await ran(
        server,
        [
            node("outer", "loop", items="input.items", on_item_error="skip"),
            node("inner", "loop", items="trigger.items", on_item_error="skip"),
            node("one", "transform", expression="item"),
        ],
        chain("outer:item", "inner:item", "one"),
        {"items": list(range(10))},
    )
    assert run["status"] == "failed"
    assert "at most 30 nodes" in run["error"]


async def test_the_expressions_of_one_node_share_what_they_may_cost(server: Server) -> None:
    heavy = "{{ length(map(input.items, map(trigger.items, index))) }}"
    run = await ran(
        server,
        [node("t", "transform", fields={f"f{number}": heavy for number in range(20)})],
        [],
        {"items": list(range(150))},
    )
    assert run["status"] == "failed"
    assert "too many steps" in run["error"]


async def test_a_loop_gives_no_more_than_a_server_can_hold(server: Server) -> None:
    run = await ran(
        server,
        [
            node("each", "loop", items="input.items", on_item_error="skip"),
            node("big", "transform", expression="trigger.text"),
        ],
        chain("each:item", "big"),
        {"items": list(range(30)), "text": "x" * 500_000},
    )
    assert run["status"] == "failed"
    assert "more than 10 MB" in run["error"]


async def test_what_a_database_cannot_hold_ends_no_run(server: Server) -> None:
    run = await ran(
        server,
        [node("read", "transform", expression="parse_json(input.text)")],
        [],
        {"text": '{"a\\u0000": "b\\u0000"}'},
    )
    assert run["status"] == "completed", run["error"]
    assert run["output"] == {"a\ufffd": "b\ufffd"}


async def test_two_changes_at_a_time_are_two_versions(server: Server) -> None:
    made = await create(server, [], [])
    path = f"/api/v1/workflows/{made['id']}"
    bodies = [{"nodes": [node(name, "transform", expression="1")]} for name in "abcd"]
    answers = await asyncio.gather(*(server.patch(path, body) for body in bodies))
    assert sorted(answer.json()["version"] for answer in answers) == [2, 3, 4, 5]


async def test_what_children_cost_counts_towards_the_ceiling_of_the_run_that_started_them(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = await create(server, [node("rest", "delay", seconds=0)], [])
    caps: list[Decimal | None] = []
    monkeypatch.setattr(workflow_node, "launch", _told_of(caps, launching.launch))
    monkeypatch.setattr(children, "_settled", _dear(children._settled))
    run = await ran(
        server,
        [node(name, "workflow", workflow_id=inner["id"]) for name in ("one", "two", "three")],
        chain("one", "two", "three"),
        budget={"per_run_cap": 2},
    )
    assert caps == [Decimal(2), Decimal("0.8"), Decimal(0)]
    assert run["status"] == "budget_exceeded"


def _told_of(caps: list[Decimal | None], launch: Any) -> Any:
    async def noting(ctx: Ctx, wanted: Launch) -> Any:
        caps.append(wanted.run_cap)
        return await launch(ctx, wanted)

    return noting


def _dear(settled: Any) -> Any:
    async def reading(work: Work, child: RunId, ctx: Ctx) -> Any:
        return {**await settled(work, child, ctx), "total_cost": "1.2"}

    return reading
