"""The OpenAPI document against the server: generated calls, valid and not, get the replies it documents."""

from datetime import timedelta
from typing import Any, TypeAlias

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as hypothesis_settings
from hypothesis.errors import Unsatisfiable
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from interlock.faces.rest.app import openapi
from tests.contracts.samples import SAMPLES
from tests.contracts.world import PASSWORD, World
from tests.support.app import Server

AnyCase: TypeAlias = Case[Any]
SEED = 20261121
EXAMPLES = 8
BASE_URL = "http://testserver"
STREAMS = {"/api/v1/runs/{run_id}/events", "/api/ledger/export"}
REACHES_OUT = {"/api/v1/integrations/{id}/test"}  # a generated address would be looked up
UPSTREAM = {502, 503, 504}
TOO_LARGE = 413
CONFORMANCE = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
SCHEMA = schemathesis.openapi.from_dict(openapi(BASE_URL))
OPERATIONS = {
    operation.label: operation
    for operation in (result.ok() for result in SCHEMA.get_all_operations() if isinstance(result, Ok))
    if operation.path not in STREAMS | REACHES_OUT
}
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def cases(operation: APIOperation[Any, Any, Any, Any], mode: GenerationMode) -> list[AnyCase]:
    """The same few calls on every machine; none where nothing can be wrong."""
    made: list[AnyCase] = []

    @seed(SEED)
    @hypothesis_settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def collect(case: AnyCase) -> None:
        made.append(case)

    try:
        collect()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE
    return made


async def signed_in(server: Server) -> str:
    """The token of a person, for the doors that take no key."""
    world = World(server, server.key, SAMPLES)
    await world.call(
        "accounts.add_user", {"email": "p@example.com", "name": "P", "password": PASSWORD, "role": "admin"}
    )
    signed = await world.call("accounts.sign_in", {"email": "p@example.com", "password": PASSWORD})
    return str(signed.token)


async def send(http: httpx.AsyncClient, case: AnyCase, headers: dict[str, str]) -> httpx.Response:
    """The call as it would go over the wire."""
    prepared = requests.Request(**case.as_transport_kwargs(base_url=BASE_URL, headers=headers)).prepare()
    body = prepared.body.encode() if isinstance(prepared.body, str) else prepared.body
    assert body is None or isinstance(body, bytes)
    wire_headers = [(str(name).encode(), str(value).encode()) for name, value in prepared.headers.items()]
    request = http.build_request(str(prepared.method), str(prepared.url), content=body, headers=wire_headers)
    answer = await http.send(request)
    answer.elapsed = timedelta(0)
    return answer


async def problems(server: Server, label: str, mode: GenerationMode) -> list[str]:
    """What went wrong with the calls of one operation."""
    operation = OPERATIONS[label]
    ways = {way for ways in operation.definition.raw.get("security", []) for way in ways}
    headers = {"x-api-key": server.key} if "api_key" in ways else {}
    if ways == {"bearer"}:
        headers = {"authorization": f"Bearer {await signed_in(server)}"}
    found = []
    for case in cases(operation, mode):
        try:
            answer = await send(server.http, case, headers)
        except httpx.InvalidURL:  # longer than any client would send
            continue
        checks = list(CONFORMANCE)
        if answer.status_code not in UPSTREAM:
            checks.append(not_a_server_error)
        if mode is GenerationMode.NEGATIVE and answer.status_code != TOO_LARGE:  # that is a rejection too
            checks.append(negative_data_rejection)
        try:
            case.validate_response(answer, checks=checks, headers=headers)
        except FailureGroup as group:
            found += [f"{answer.status_code} {failure}" for failure in group.exceptions]
    return found


@pytest.mark.parametrize("label", OPERATIONS)
async def test_valid_calls_get_documented_replies(server: Server, label: str) -> None:
    assert await problems(server, label, GenerationMode.POSITIVE) == []


@pytest.mark.parametrize("label", OPERATIONS)
async def test_invalid_calls_are_rejected_in_documented_words(server: Server, label: str) -> None:
    assert await problems(server, label, GenerationMode.NEGATIVE) == []


def test_there_is_something_to_call(database_url: str) -> None:
    assert len(OPERATIONS) + len(STREAMS | REACHES_OUT) == len(list(SCHEMA.get_all_operations()))
    assert len(cases(OPERATIONS["GET /api/v1/agents"], GenerationMode.POSITIVE)) == EXAMPLES
    assert len(cases(OPERATIONS["POST /api/v1/agents"], GenerationMode.NEGATIVE)) == EXAMPLES
