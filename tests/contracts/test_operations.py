"""What holds for every operation, whoever wrote it: the registry is walked, so a new one is held to it at once."""

import re
import types
from dataclasses import is_dataclass, replace
from functools import cache
from typing import Any, Union, get_args, get_origin

import pytest
from pydantic import BaseModel, ValidationError
from sqlalchemy import CompoundSelect, Row, func, literal, select, union_all

from interlock import main
from interlock.domains.accounts.service.identify import anonymous
from interlock.domains.accounts.views import Scope
from interlock.faces.rest.app import TABLE
from interlock.kit.errors import InterlockError, Kind
from interlock.kit.ids import TypedId
from interlock.kit.operations import REGISTRY, Audit, Effect, Operation
from interlock.kit.paging import Page
from interlock.runtime import tables
from interlock.runtime.invoke import invoke
from tests.contracts.samples import ALSO_EVIDENCE, BY_HAND, PUBLIC, SAMPLES, STREAMS, UNROUTED, WITHOUT_SAMPLE
from tests.contracts.world import World
from tests.support.app import Server

ALL = [REGISTRY[name] for name in sorted(REGISTRY)]
SAMPLED = [operation for operation in ALL if operation.name in SAMPLES]
EVERY = pytest.mark.parametrize("operation", ALL, ids=lambda operation: operation.name)
ONE_DATABASE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
async def world(server: Server) -> World:
    """The first workspace."""
    return World(server, server.key, SAMPLES)


def problems_of(found: dict[str, str]) -> None:
    """Fail with every offender at once."""
    assert not found, "\n".join(f"{name}: {problem}" for name, problem in sorted(found.items()))


def test_the_registry_is_full() -> None:
    assert main.DOMAINS
    assert len(ALL) > 60


def test_every_operation_has_a_sample_or_a_reason() -> None:
    assert set(SAMPLES) | WITHOUT_SAMPLE == set(REGISTRY)
    assert not set(SAMPLES) & WITHOUT_SAMPLE


@EVERY
def test_its_name_and_its_words(operation: Operation) -> None:
    assert re.fullmatch(r"[a-z]+\.[a-z_]+", operation.name)
    assert re.fullmatch(r"[A-Z].*\.", operation.summary), "one sentence with a full stop"
    assert not re.search(r"[.!?] [A-Z]", operation.summary), "one sentence, not two"
    assert len(operation.summary) <= 160


@EVERY
def test_its_scope_is_one_that_a_key_can_carry(operation: Operation) -> None:
    assert operation.scope is None or operation.scope in set(Scope)
    if operation.public:
        assert operation.scope is None


@EVERY
def test_its_audit_fits_its_effect(operation: Operation) -> None:
    if operation.effect is Effect.WRITE:
        assert operation.audit is not Audit.NONE
    if operation.effect is Effect.READ:
        assert operation.audit is Audit.NONE


@EVERY
def test_its_command_is_frozen_and_refuses_what_it_does_not_know(operation: Operation) -> None:
    for model in models_in(operation.command):
        if model.model_config.get("extra") != "allow":
            assert model.model_config.get("frozen"), model
    with pytest.raises(ValidationError) as caught:
        operation.command.model_validate({"a_field_nobody_knows": 1})
    assert ("a_field_nobody_knows",) in {
        error["loc"] for error in caught.value.errors() if error["type"] == "extra_forbidden"
    }


def models_in(model: type[BaseModel], seen: set[type[BaseModel]] | None = None) -> set[type[BaseModel]]:
    """A model and every model in its fields."""
    seen = set() if seen is None else seen
    if model not in seen:
        seen.add(model)
        for field in model.model_fields.values():
            for part in parts_of(field.annotation):
                if isinstance(part, type) and issubclass(part, BaseModel):
                    models_in(part, seen)
    return seen


def parts_of(annotation: Any) -> list[Any]:
    """The types inside a type."""
    inner = [part for argument in get_args(annotation) for part in parts_of(argument)]
    return inner or [annotation]


@EVERY
def test_its_result_is_data_that_may_leave(operation: Operation) -> None:
    if operation.name in STREAMS:
        assert operation.result.__name__ == STREAMS[operation.name]
        return
    assert may_leave(operation.result), operation.result


def may_leave(result: Any) -> bool:
    """Views, ids and plain values, alone or in pages and tuples; never rows, lists or dictionaries."""
    origin = get_origin(result)
    if origin in {Union, types.UnionType, tuple} or origin is Page:
        return all(part is Ellipsis or may_leave(part) for part in get_args(result))
    if result in {str, bool, int, type(None)}:
        return True
    if not isinstance(result, type):
        return False
    if issubclass(result, BaseModel):
        return bool(result.model_config.get("frozen"))
    if is_dataclass(result):
        return bool(result.__dataclass_params__.frozen)  # type: ignore[attr-defined] # dataclasses keep it there
    return issubclass(result, TypedId)


@EVERY
def test_it_is_routed_or_a_reason_is_given(operation: Operation) -> None:
    in_table = operation.name in {line.operation.name for line in TABLE}
    assert in_table + (operation.name in BY_HAND) + (operation.name in UNROUTED) >= 1
    if operation.name in UNROUTED:
        assert not in_table, "it is routed now: take it off the list"


@ONE_DATABASE
async def test_routes_made_by_hand_exist(server: Server) -> None:
    found = {}
    for name, (method, path) in BY_HAND.items():
        answer = await server.http.request(method, _with_some_ids(path))
        if answer.status_code not in {401, 404, 422} or answer.json().get("detail") == "There is nothing at this path.":
            found[name] = f"{method} {path} answers {answer.status_code}"
    problems_of(found)


def _with_some_ids(path: str) -> str:
    """A path whose `{thing_id}` parts name things that are not there."""
    return re.sub(r"\{(\w+?)(_id)?\}", lambda part: f"{part[1]}_01h455vb4pex5vsknk084sn02q", path)


def test_no_list_names_an_operation_that_is_gone() -> None:
    assert not (set(SAMPLES) | WITHOUT_SAMPLE | set(BY_HAND) | set(UNROUTED) | set(STREAMS)) - set(REGISTRY)


@ONE_DATABASE
async def test_nobody_unknown_gets_in(server: Server) -> None:
    nobody = anonymous(server.runtime, request_id="test", face="test")
    found = {}
    for operation in ALL:
        if operation.public:
            continue
        try:
            await invoke(nobody, operation.function, operation.command.model_construct())
        except InterlockError as error:
            if error.kind is not Kind.UNAUTHENTICATED:
                found[operation.name] = f"refused as {error.kind}"
        else:
            found[operation.name] = "let in"
    problems_of(found)
    assert {operation.name for operation in ALL if operation.public} == PUBLIC


@ONE_DATABASE
async def test_a_key_without_the_scope_is_refused(world: World) -> None:
    ctx = await world.ctx()
    found = {}
    for operation in ALL:
        if operation.scope is None:
            continue
        poorer = replace(ctx, scopes=frozenset(set(Scope)) - {operation.scope})
        try:
            await invoke(poorer, operation.function, operation.command.model_construct())
        except InterlockError as error:
            if error.kind is not Kind.FORBIDDEN or error.data.get("scope") != operation.scope:
                found[operation.name] = f"refused as {error.kind} {error.data}"
        else:
            found[operation.name] = "let in"
    problems_of(found)


@ONE_DATABASE
async def test_without_ai_access_nothing_that_leads_to_a_model_is_done(world: World) -> None:
    ctx = replace(await world.ctx(), has_ai_access=False)
    leads_to_a_model = [operation for operation in ALL if operation.ai]
    assert {"runs.start_agent", "llm.complete"} <= {operation.name for operation in leads_to_a_model}
    for operation in leads_to_a_model:
        with pytest.raises(InterlockError) as caught:
            await invoke(ctx, operation.function, operation.command.model_construct())
        assert caught.value.kind is Kind.FORBIDDEN, operation.name


async def counts(world: World) -> dict[str, int]:
    """How many rows every table has that a caller may cause."""
    async with (await world.ctx()).begin(write=False) as ctx:
        rows = (await (await ctx.session()).execute(_all_counts())).all()
    return {row.name: row.number for row in rows}


@cache
def _all_counts() -> CompoundSelect[tuple[str, int]]:
    """One statement: these suites count every table twice for every operation."""
    return union_all(
        *(
            select(literal(table.name).label("name"), func.count().label("number")).select_from(table)
            for table in tables.metadata.sorted_tables
            if not table.name.startswith(("test_", "durable_", "rate_", "stream_", "jobs"))
        )
    )


async def test_every_write_leaves_one_row_of_audit_and_every_read_none(world: World) -> None:
    found = {}
    for operation in SAMPLED:
        if operation.effect is Effect.EXTERNAL:
            continue
        sample = await SAMPLES[operation.name](world)
        await world.settle()
        before = await counts(world)
        try:
            result = await world.call(operation.name, sample.payload, sample.credential)
        except InterlockError as error:
            found[operation.name] = f"its sample is refused: {error.code} {error.message} {error.data}"
            continue
        after = await counts(world)
        log, ledger = (after[name] - before[name] for name in ("system_log", "ledger_entries"))
        if operation.audit is Audit.SYSTEM_LOG and (log, ledger) != (1, ALSO_EVIDENCE.get(operation.name, 0)):
            found[operation.name] = f"{log} rows in the system log, {ledger} in the ledger, instead of 1 and 0"
        if operation.audit is Audit.LEDGER and (log, ledger) != (0, 1):
            found[operation.name] = f"{log} rows in the system log, {ledger} in the ledger, instead of 0 and 1"
        if operation.effect is Effect.READ and after != before:
            found[operation.name] = f"a read wrote: {set(after.items()) - set(before.items())}"
        if holds_row(result):
            found[operation.name] = "a database row leaves the domain"
    problems_of(found)


async def test_every_external_operation_with_a_sample_answers(world: World) -> None:
    found = {}
    for operation in SAMPLED:
        if operation.effect is Effect.EXTERNAL:
            try:
                await world.run(operation.name)
            except InterlockError as error:
                if error.kind not in {Kind.UPSTREAM, Kind.UPSTREAM_TIMEOUT}:
                    found[operation.name] = f"{error.code} {error.message}"
    problems_of(found)


def holds_row(value: Any) -> bool:
    """Whether a database row hides in a result."""
    if isinstance(value, Row):
        return True
    if isinstance(value, BaseModel):
        return any(holds_row(getattr(value, name)) for name in type(value).model_fields)
    if isinstance(value, Page):
        return any(holds_row(item) for item in value.items)
    return isinstance(value, tuple | list) and any(holds_row(item) for item in value)


def references(operation: Operation) -> list[str]:
    """The fields by which a command names one existing thing."""
    return [
        name
        for name, field in operation.command.model_fields.items()
        if any(isinstance(part, type) and issubclass(part, TypedId) for part in parts_of(field.annotation))
        and (field.is_required() or operation.name == "checks.record_outcome")
    ]


NAMING = [operation for operation in SAMPLED if references(operation)]


def test_the_search_finds_operations_that_name_things() -> None:
    names = {operation.name for operation in NAMING}
    assert {"agents.get", "runs.cancel", "approvals.approve", "checks.record_outcome", "ledger.get"} <= names


@pytest.fixture
async def stranger(server: Server) -> World:
    """A second workspace on the same server."""
    return World(server, await server.another_workspace(), SAMPLES)


async def test_another_workspaces_things_are_simply_not_there(world: World, stranger: World) -> None:
    found = {}
    for operation in NAMING:
        sample = await SAMPLES[operation.name](world)
        await world.settle()
        before = await counts(world)
        problem = await how_refused(stranger, operation, sample.payload)
        if problem is None and await counts(world) != before:
            problem = "refused, but something was written"
        if problem:
            found[operation.name] = problem
            continue
        try:
            await world.call(operation.name, sample.payload, sample.credential)
        except InterlockError as error:
            found[operation.name] = f"afterwards its owner is refused too: {error.message}"
    problems_of(found)


async def test_things_that_never_were_are_told_the_same_way(world: World) -> None:
    found = {}
    for operation in NAMING:
        sample = await SAMPLES[operation.name](world)
        for field in references(operation):
            kinds = [
                part for part in parts_of(operation.command.model_fields[field].annotation) if part is not type(None)
            ]
            stranger = kinds[0].new()
            value = [stranger] if isinstance(sample.payload[field], list) else stranger
            problem = await how_refused(world, operation, {**sample.payload, field: value})
            if problem:
                found[f"{operation.name}({field})"] = problem
    problems_of(found)


async def how_refused(world: World, operation: Operation, payload: dict[str, Any]) -> str | None:
    """None when the call is refused as not found; else what happened instead."""
    try:
        await world.call(operation.name, payload)
    except InterlockError as error:
        return None if error.kind is Kind.NOT_FOUND else f"refused as {error.kind}: {error.message}"
    return "let through"
