"""What the interface promises, on every engine: finishing, starting once, steps, signals, cancelling, failing."""

import asyncio
import base64
from datetime import timedelta

import pytest
from sqlalchemy import select

from interlock.kit.errors import conflict
from interlock.runtime.context import SYSTEM, Ctx
from interlock.runtime.durable import Flow, FlowCancelled, Json
from interlock.runtime.durable.engine import JournalEngine
from interlock.runtime.durable.journal import DurableUseError, FlowState, flow_rows, signal_rows, step_rows
from tests.runtime.durable.world import Backend, World, mark, marks, nothing, reaches, server


async def three_steps(flow: Flow, argument: Json) -> Json:
    got = [await flow.transact(f"s{n}", mark(flow.id, f"s{n}", {"n": n})) for n in range(3)]
    return {"got": got, "argument": argument}


async def waiting(flow: Flow, argument: Json) -> Json:
    first: Json = await flow.wait("go")
    await flow.transact("first", mark(flow.id, f"first:{first['n']}"))
    second: Json = await flow.wait("go")
    await flow.transact("second", mark(flow.id, f"second:{second['n']}"))
    return None


async def test_a_flow_runs_to_its_end_and_leaves_only_its_row(backend: Backend) -> None:
    async with server(backend, lambda engine: engine.register("three", three_steps)) as world:
        await world.start("three", "f", {"a": [1, None, "ü"]})
        assert await world.ended("f") is FlowState.DONE
        assert await world.texts("f") == ["s0", "s1", "s2"]
        row = await world.row("f")
        assert row.result == '{"got":[{"n":0},{"n":1},{"n":2}],"argument":{"a":[1,null,"\\u00fc"]}}'
        assert row.workspace_id == world.workspace_id
        assert await world.count(step_rows) == 0


async def test_a_flow_acts_as_the_system_in_the_workspace_that_started_it(backend: Backend) -> None:
    seen: list[Ctx] = []

    async def look(flow: Flow, _argument: Json) -> Json:
        seen.append(flow.ctx)
        return None

    async with server(backend, lambda engine: engine.register("look", look)) as world:
        await world.start("look", "f")
        await world.ended("f")
        assert (seen[0].workspace_id, seen[0].actor, seen[0].unit) == (world.workspace_id, SYSTEM, None)


async def test_starting_the_same_id_twice_is_one_start_even_after_the_end(backend: Backend) -> None:
    async with server(backend, lambda engine: engine.register("three", three_steps)) as world:
        async with world.ctx().begin() as inner:
            await world.engine.start(inner, "three", "f", 1)
            await world.engine.start(inner, "three", "f", 2)
        await world.ended("f")
        await world.start("three", "f", 3)
        await world.start("three", "other")
        await world.ended("other")
        assert await world.texts("f") == ["s0", "s1", "s2"]
        assert (await world.row("f")).result.endswith('"argument":1}')


async def start_signal_cancel_and_fail(world: World) -> None:
    async with world.ctx().begin() as inner:
        await world.engine.start(inner, "waiting", "lost", None)
        await world.engine.signal(inner, "kept", "go", {"n": 1})
        await world.engine.cancel(inner, "kept")
        raise ZeroDivisionError


async def test_a_rolled_back_unit_of_work_starts_signals_and_cancels_nothing(backend: Backend) -> None:
    async with server(backend, lambda engine: engine.register("waiting", waiting)) as world:
        await world.start("waiting", "kept")
        await world.waits("kept")
        with pytest.raises(ZeroDivisionError):
            await start_signal_cancel_and_fail(world)
        await world.signal("kept", "go", {"n": 2})
        await world.signal("kept", "go", {"n": 3})
        assert await world.ended("kept") is FlowState.DONE
        assert await world.texts("kept") == ["first:2", "second:3"]
        assert await world.row("lost") is None


async def test_an_unknown_function_is_refused_at_once(backend: Backend) -> None:
    async with server(backend, lambda engine: engine.register("nothing", nothing)) as world:
        with pytest.raises(DurableUseError, match="no durable function is registered as 'nought'"):
            await world.start("nought", "f")


async def test_signals_sent_before_the_wait_are_taken_in_order(backend: Backend) -> None:
    async with server(backend, lambda engine: engine.register("waiting", waiting)) as world:
        async with world.ctx().begin() as inner:
            await world.engine.signal(inner, "f", "go", {"n": 1})
            await world.engine.start(inner, "waiting", "f", None)
            await world.engine.signal(inner, "f", "go", {"n": 2})
            await world.engine.signal(inner, "f", "elsewhere", {"n": 3})
        assert await world.ended("f") is FlowState.DONE
        assert await world.texts("f") == ["first:1", "second:2"]
        assert await world.count(signal_rows) == 0


async def test_each_signal_wakes_one_wait(backend: Backend) -> None:
    async with server(backend, lambda engine: engine.register("waiting", waiting)) as world:
        await world.start("waiting", "f")
        await world.waits("f")
        await world.signal("f", "go", {"n": 1})
        await reaches(lambda: world.texts("f"), ["first:1"])
        await world.waits("f")
        await world.signal("f", "go", {"n": 2})
        assert await world.ended("f") is FlowState.DONE
        assert await world.texts("f") == ["first:1", "second:2"]


async def test_a_signal_to_an_ended_flow_is_dropped(backend: Backend) -> None:
    async with server(backend, lambda engine: engine.register("three", three_steps)) as world:
        await world.start("three", "f")
        await world.ended("f")
        await world.signal("f", "go", 1)
        assert await world.count(signal_rows) == 0


async def test_a_wait_returns_none_when_its_deadline_passes(backend: Backend) -> None:
    async def late(flow: Flow, _argument: Json) -> Json:
        missed = await flow.wait("go", until=flow.ctx.now + timedelta(seconds=0.2))
        got = await flow.wait("go", until=flow.ctx.now + timedelta(hours=1))
        return [missed, got]

    async with server(backend, lambda engine: engine.register("late", late)) as world:
        await world.start("late", "f")
        await reaches(lambda: world.count(step_rows, flow_id="f", key="wait/go/1"), 1)
        await world.signal("f", "go", "in time")
        await world.ended("f")
        assert (await world.row("f")).result == '[null,"in time"]'


async def test_cancel_interrupts_a_wait_at_once_and_lets_the_flow_clean_up(backend: Backend) -> None:
    async def tidy(flow: Flow, _argument: Json) -> Json:
        try:
            await flow.wait("never")
        except FlowCancelled:
            await flow.transact("tidied", mark(flow.id, "tidied"))
            raise

    async with server(backend, lambda engine: engine.register("tidy", tidy)) as world:
        await world.start("tidy", "f")
        await world.waits("f")
        await world.cancel("f")
        assert await world.ended("f") is FlowState.CANCELLED
        assert await world.texts("f") == ["tidied"]


async def test_cancel_lets_a_running_step_end_and_raises_at_the_next(backend: Backend) -> None:
    inside, go_on = asyncio.Event(), asyncio.Event()

    async def slow(_ctx: Ctx) -> Json:
        inside.set()
        await go_on.wait()
        return "done"

    async def run(flow: Flow, _argument: Json) -> Json:
        await flow.transact("before", mark(flow.id, "before"))
        await flow.step("slow", slow)
        await flow.transact("after", mark(flow.id, "after"))

    async with server(backend, lambda engine: engine.register("run", run)) as world:
        await world.start("run", "f")
        await inside.wait()
        await world.cancel("f")
        await reaches(lambda: asyncio.sleep(0, world.engine._live["f"]._is_cancelled), True)
        go_on.set()
        assert await world.ended("f") is FlowState.CANCELLED
        assert await world.texts("f") == ["before"]


async def test_a_cancelled_sleep_ends_at_once(backend: Backend) -> None:
    async def sleeper(flow: Flow, _argument: Json) -> Json:
        await flow.sleep_until("nap", flow.ctx.now + timedelta(days=300))

    async with server(backend, lambda engine: engine.register("sleeper", sleeper)) as world:
        await world.start("sleeper", "f")
        await world.waits("f")
        await world.cancel("f")
        assert await world.ended("f") is FlowState.CANCELLED


async def test_the_failure_hook_hears_of_a_failed_flow(backend: Backend) -> None:
    heard: list[Json] = []

    async def fail(flow: Flow, _argument: Json) -> Json:
        await flow.transact("before", mark(flow.id, "before"))
        raise ValueError("broken\x00 \ud800")

    async def hook(flow: Flow, news: Json) -> Json:
        heard.append(news)
        await flow.transact("noted", mark(news["id"], "noted"))

    async with server(backend, lambda engine: engine.register("fail", fail, on_failure=hook)) as world:
        await world.start("fail", "f", {"a": 1})
        assert await world.ended("f") is FlowState.FAILED
        assert await world.ended("f.on_failure") is FlowState.DONE
        assert (await world.row("f")).error == "ValueError: broken ?"
        assert heard == [{"id": "f", "input": {"a": 1}, "error": "ValueError: broken\x00 \ud800"}]
        assert await world.texts("f") == ["before", "noted"]


async def test_a_cancelled_flow_calls_no_failure_hook(backend: Backend) -> None:
    async def in_group(flow: Flow, _argument: Json) -> Json:
        async with asyncio.TaskGroup() as group:
            group.create_task(flow.wait("one"))
            group.create_task(flow.wait("two"))

    def register(engine: JournalEngine) -> None:
        engine.register("group", in_group, on_failure=nothing)

    async with server(backend, register) as world:
        await world.start("group", "f")
        await world.waits("f")
        await world.cancel("f")
        assert await world.ended("f") is FlowState.CANCELLED
        assert await world.row("f.on_failure") is None


async def test_branches_of_one_flow_may_wait_and_work_side_by_side(backend: Backend) -> None:
    async def branches(flow: Flow, _argument: Json) -> Json:
        async def branch(name: str) -> Json:
            got = await flow.wait(name)
            await flow.transact(f"got-{name}", mark(flow.id, name))
            return got

        return await asyncio.gather(*(branch(name) for name in "abc"))

    async with server(backend, lambda engine: engine.register("branches", branches), active=1) as world:
        await world.start("branches", "f")
        await world.waits("f")
        for name in "cab":
            await world.signal("f", name, name.upper())
        await world.ended("f")
        assert (await world.row("f")).result == '["A","B","C"]'
        assert sorted(await world.texts("f")) == ["a", "b", "c"]


async def test_an_error_a_step_raised_can_be_caught(backend: Backend) -> None:
    async def refuse(ctx: Ctx) -> Json:
        await mark("f", "undone")(ctx)
        raise conflict("Taken.", by="someone")

    async def run(flow: Flow, _argument: Json) -> Json:
        with pytest.raises(Exception, match="Taken") as caught:
            await flow.transact("refuse", refuse)
        return caught.value.data  # type: ignore[attr-defined]

    async with server(backend, lambda engine: engine.register("run", run)) as world:
        await world.start("run", "f")
        await world.ended("f")
        assert (await world.row("f")).result == '{"by":"someone"}'
        assert await world.texts("f") == []


MISUSES = {
    "twice": "uses the step key 'k' twice",
    "not_json": "the result of 'k' is not JSON",
    "not_a_number": "the result of 'k' is not JSON",
    "result": "the result is not JSON",
    "no_zone": "has no time zone",
    "empty_key": "a step key must have 1 to 200 characters",
}


@pytest.mark.parametrize("how", MISUSES)
async def test_misuse_fails_the_flow_loudly(backend: Backend, how: str) -> None:
    async def misuse(flow: Flow, argument: Json) -> Json:
        match argument:
            case "twice":
                await flow.transact("k", mark(flow.id, "k"))
                await flow.transact("k", mark(flow.id, "k"))
            case "not_json":
                await flow.transact("k", mark(flow.id, "k", {1, 2}))
            case "not_a_number":
                await flow.transact("k", mark(flow.id, "k", float("nan")))
            case "no_zone":
                await flow.sleep_until("k", flow.ctx.now.replace(tzinfo=None))
            case "empty_key":
                await flow.transact("", mark(flow.id, "k"))
        return object()

    async with server(backend, lambda engine: engine.register("misuse", misuse)) as world:
        await world.start("misuse", "f", how)
        assert await world.ended("f") is FlowState.FAILED
        assert MISUSES[how] in (await world.row("f")).error
        assert await world.texts("f") == (["k"] if how == "twice" else [])


async def test_a_thousand_flows_finish_with_few_active_at_a_time(backend: Backend) -> None:
    active, most = 0, 0

    async def busy(_ctx: Ctx) -> Json:
        nonlocal active, most
        active += 1
        most = max(most, active)
        await asyncio.sleep(0)
        active -= 1
        return None

    async def run(flow: Flow, _argument: Json) -> Json:
        await flow.step("busy", busy)
        await flow.transact("mark", mark(flow.id, "x"))

    async with server(backend, lambda engine: engine.register("run", run), active=8) as world:
        async with world.ctx().begin() as inner:
            for number in range(1000):
                await world.engine.start(inner, "run", f"f{number}", None)
        await world.all_ended(1000)
        assert await world.count(marks) == 1000
        assert most <= 8


async def test_waiting_flows_block_nobody(backend: Backend) -> None:
    def register(engine: JournalEngine) -> None:
        engine.register("waiting", waiting)
        engine.register("three", three_steps)

    async with server(backend, register, active=2) as world:
        for number in range(50):
            await world.start("waiting", f"w{number}")
        await world.start("three", "f")
        assert await world.ended("f") is FlowState.DONE
        async with world.ctx().begin() as inner:
            for number in range(50):
                await world.engine.signal(inner, f"w{number}", "go", {"n": 1})
                await world.engine.signal(inner, f"w{number}", "go", {"n": 2})
        await world.all_ended(51)
        assert await world.count(flow_rows, state=FlowState.RUNNING) == 0


def test_names_are_registered_once(backend: Backend) -> None:
    engine = backend.engine()
    engine.register("f", nothing)
    with pytest.raises(ValueError, match="registered twice"):
        engine.register("f", nothing)
    with pytest.raises(ValueError, match="are taken"):
        engine.register("g.on_failure", nothing)


async def test_what_steps_recorded_cannot_be_read_in_the_database_and_nothing_is_left_of_it(backend: Backend) -> None:
    async def run(flow: Flow, argument: Json) -> Json:
        await flow.transact("kept", mark(flow.id, "kept", {"card": "4111 1111 1111 1111"}))
        await flow.wait("go")
        return None

    async with server(backend, lambda engine: engine.register("run", run)) as world:
        await world.start("run", "f", {"said": "to the flow"})
        await world.waits("f")
        async with world.ctx().begin(write=False) as inner:
            session = await inner.session()
            (stored,) = (await session.execute(select(step_rows.c.result))).scalars()
        assert "4111" not in stored
        assert b"4111" not in base64.b64decode(stored)
        await world.signal("f", "go", None)
        assert await world.ended("f") is FlowState.DONE
        assert (await world.row("f")).argument == "null"
