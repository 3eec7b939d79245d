"""Logs without secrets, names of requests in them, and spans only where they are wanted."""

import asyncio
import importlib
import io
import logging
from collections.abc import AsyncIterator, Iterator, MutableMapping
from typing import Any

import orjson
import pytest
import structlog
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from interlock.kit.errors import InterlockError, Kind
from interlock.runtime import telemetry
from interlock.runtime.settings import Settings
from tests.runtime.peer import Peer, peer, reply

CREDENTIALS = [
    "sk_live_abcDEF123456",
    "sk_test_abcDEF123456",
    "whsec_abcDEF123456",
    "sess_abcDEF123456",
    "xoxb-1234-5678-abcdef",
    "sk-proj-abcDEF123456",
    "sk-ant-api03-abcDEF123456",
    "ghp_abcDEF123456",
    "AIzaSyA-abcDEF123456",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl",
    "Bearer abcDEF123456",
    "Basic dXNlcjpwYXNz",
    "postgresql://admin:hunter22@db.example/x",
    "https://example.com/?token=abcDEF123456&x=1",
    '{"password": "hunter22!"}',
]
PRIVATE_PARTS = ["abcDEF123456", "5678-abcdef", "c2lnbmF0dXJl", "dXNlcjpwYXNz", "hunter22"]


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    telemetry.shut_down()
    structlog.reset_defaults()
    root.handlers[:], root.level = handlers, level


def logged(form: str = "json") -> io.StringIO:
    """A configured process, and where its lines go."""
    out = io.StringIO()
    telemetry.configure(Settings.model_validate({"log_format": form}), stream=out)
    return out


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    """The JSON lines so far."""
    return [orjson.loads(line) for line in out.getvalue().splitlines()]


@pytest.mark.parametrize("form", ["json", "text"])
@pytest.mark.parametrize("credential", CREDENTIALS)
def test_credentials_are_masked_wherever_they_stand(credential: str, form: str) -> None:
    out = logged(form)
    log = structlog.get_logger("x")
    said = f"got {credential} here"
    log.info(said, note=credential, nested={"list": [credential, {"deep": credential}]})
    log.info("an object", thing=ValueError(credential))
    logging.getLogger("uvicorn").warning("from a library: %s", credential)
    try:
        raise RuntimeError(f"failed with {credential}")
    except RuntimeError:
        log.exception("broken")
    text = out.getvalue()
    assert text.count(telemetry.MASK) >= 6
    assert [part for part in PRIVATE_PARTS if part in text] == []


@pytest.mark.parametrize(
    "key",
    ["password", "new_password", "client_secret", "accessToken", "Authorization", "api_key", "apiKey", "set-cookie"],
)
def test_values_under_secret_names_are_masked(key: str) -> None:
    out = logged()
    structlog.get_logger().info("x", **{key: "plain words"}, inner={key: 12345})
    line = lines(out)[0]
    assert (line[key], line["inner"][key]) == (telemetry.MASK, telemetry.MASK)


def test_ordinary_words_and_counts_are_left_alone() -> None:
    event: MutableMapping[str, Any] = {
        "event": "the task-runner asked for a token budget",
        "prompt_tokens": 12,
        "max_tokens": 100,
        "agent": "agent_01h455vb4pex5vsknk084sn02q",
        "url": "https://example.com:8443/a",
        "ratio": 0.5,
        "ok": True,
    }
    assert telemetry.redact(None, "info", dict(event)) == event


def test_local_variables_of_frames_are_not_told() -> None:
    out = logged("text")

    def fail() -> None:
        plain = "hidden-in-a-frame"
        raise RuntimeError(str(len(plain)))

    try:
        fail()
    except RuntimeError:
        structlog.get_logger().exception("broken")
    assert "RuntimeError: 17" in out.getvalue()
    assert "hidden-in" not in out.getvalue().replace('plain = "hidden-in-a-frame"', "")


def test_a_message_cannot_pass_for_a_line_of_its_own() -> None:
    for form in ("json", "text"):
        out = logged(form)
        structlog.get_logger().info("first\n2026-01-01 [error] forged", note="a\nb")
        assert len(out.getvalue().splitlines()) == 1


def test_request_and_workspace_are_named_inside_the_request_only() -> None:
    out = logged()
    log = structlog.get_logger()
    with telemetry.bound_request("req-1", "GET", "/x"):
        telemetry.bind_workspace("ws_1")
        log.info("inside")
    log.info("outside")
    inside, outside = lines(out)
    assert (inside["request_id"], inside["workspace"], inside["level"]) == ("req-1", "ws_1", "info")
    assert {"request_id", "workspace"}.isdisjoint(outside)


def test_the_level_is_obeyed() -> None:
    out = io.StringIO()
    telemetry.configure(Settings(log_level="warning", log_format="json"), stream=out)
    structlog.get_logger().info("quiet")
    structlog.get_logger().warning("loud")
    assert [line["event"] for line in lines(out)] == ["loud"]


def test_a_span_is_one_shared_nothing_while_tracing_is_off() -> None:
    assert telemetry.span("a", x=1) is telemetry.span("b")
    with telemetry.span("a") as current:
        current.set(y=2)


def test_a_configured_endpoint_without_the_package_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ModuleNotFoundError(f"No module named {name!r}")

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(InterlockError) as caught:
        telemetry.configure(Settings(otlp_endpoint="http://127.0.0.1:4318"), stream=io.StringIO())
    assert caught.value.code == "telemetry_not_installed"
    assert "interlock[telemetry]" in str(caught.value.hint)


@pytest.fixture
async def collector() -> AsyncIterator[Peer]:
    """A collector of spans."""
    async with peer(reply(b"", "200 OK", "content-type: application/x-protobuf")) as remote:
        yield remote


async def test_spans_reach_a_collector_nested_and_without_secrets(collector: Peer) -> None:
    telemetry.configure(Settings(otlp_endpoint=collector.url("")), stream=io.StringIO())
    with telemetry.bound_request("req-1", "POST", "/x?token=abcDEF123456") as request:
        with pytest.raises(InterlockError), telemetry.span("operation", operation="agents.pause", token="abcDEF123456"):
            raise InterlockError(Kind.CONFLICT, "words with sk_live_abcDEF123456", code="not_active")
        request.set(status=409)
    await asyncio.to_thread(telemetry.shut_down)
    sent = collector.requests[0]
    assert sent.path == "/v1/traces"
    spans = {
        span.name: span
        for resource in ExportTraceServiceRequest.FromString(sent.body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    }
    assert spans["operation"].parent_span_id == spans["http.request"].span_id
    facts = {item.key: item.value for item in spans["operation"].attributes}
    assert (facts["operation"].string_value, facts["error"].string_value) == ("agents.pause", "not_active")
    assert {item.key: item.value for item in spans["http.request"].attributes}["status"].int_value == 409
    assert b"abcDEF123456" not in sent.body
