"""Anthropic's wire: messages, whole and as named events; after https://docs.anthropic.com/en/api/messages."""

from collections.abc import Sequence
from typing import Any

from tests.fakes.provider import Answer, Ask, encoded, json_answer, parsed_object, pieces
from tests.fakes.script import DEFAULT_REPLY, FaultKind, Finish, Received, Reply, ToolCall, Usage

MESSAGES = "/v1/messages"
MODELS = ("claude-fake-1", "claude-fake-1-mini")
_STOP = {
    Finish.STOP: "end_turn",
    Finish.LENGTH: "max_tokens",
    Finish.TOOL_CALLS: "tool_use",
    Finish.CONTENT_FILTER: "refusal",
}
_FAILURES = {
    FaultKind.UNAUTHORIZED: (401, "authentication_error", "invalid x-api-key"),
    FaultKind.RATE_LIMITED: (429, "rate_limit_error", "This request would exceed your organization's rate limit."),
    FaultKind.SERVER_ERROR: (500, "api_error", "Internal server error"),
    FaultKind.OVERLOADED: (529, "overloaded_error", "Overloaded"),
}


class AnthropicWire:
    """The messages API."""

    def generates(self, path: str) -> bool:
        """Only messages take replies from the script."""
        return path == MESSAGES

    def read(self, request: Received) -> Ask | Answer:
        """Check key, version and fields; answer models at once."""
        headers = request.headers
        if "x-api-key" not in headers and not headers.get("authorization", "").startswith("Bearer "):
            return _error(401, "authentication_error", "x-api-key header is required")
        if "anthropic-version" not in headers:
            return _error(400, "invalid_request_error", "anthropic-version: header is required")
        path = request.path.partition("?")[0]
        if request.method == "GET" and path == "/v1/models":
            return json_answer(_models())
        if request.method != "POST" or path != MESSAGES:
            return _error(404, "not_found_error", "Not found")
        body = parsed_object(request.body)
        if body is None:
            return _error(400, "invalid_request_error", "The request body is not valid JSON")
        for name in ("model", "messages", "max_tokens"):
            if not body.get(name):
                return _error(400, "invalid_request_error", f"{name}: Field required")
        return Ask(body["model"], bool(body.get("stream")), {})

    def default(self, ask: Ask) -> bytes | Sequence[bytes]:
        """The default reply."""
        return self.events(DEFAULT_REPLY, ask) if ask.stream else self.whole(DEFAULT_REPLY, ask)

    def whole(self, reply: Reply, ask: Ask) -> bytes:
        """A `message` object."""
        content: list[dict[str, Any]] = [{"type": "text", "text": reply.text}] if reply.text else []
        content += [
            {"type": "tool_use", "id": _call_id(call, index), "name": call.name, "input": call.arguments_value}
            for index, call in enumerate(reply.tool_calls)
        ]
        stop = {"content": content, "stop_reason": _STOP[reply.finished]}
        return encoded({**_message(ask.model), **stop, "usage": _usage(reply.usage)})

    def events(self, reply: Reply, ask: Ask) -> Sequence[bytes]:
        """message_start, a start/delta/stop group per block, message_delta, message_stop."""
        started = {**_message(ask.model), "usage": {**_usage(reply.usage), "output_tokens": 1}}
        events = [_event("message_start", {"message": started}), _event("ping", {})]
        index = 0
        if reply.text:
            deltas = [{"type": "text_delta", "text": piece} for piece in pieces(reply.text)]
            events += _block(index, {"type": "text", "text": ""}, deltas)
            index += 1
        for number, call in enumerate(reply.tool_calls):
            opening = {"type": "tool_use", "id": _call_id(call, number), "name": call.name, "input": {}}
            parts = ["", *pieces(call.arguments_text)]
            events += _block(index, opening, [{"type": "input_json_delta", "partial_json": part} for part in parts])
            index += 1
        delta = {"stop_reason": _STOP[reply.finished], "stop_sequence": None}
        events.append(_event("message_delta", {"delta": delta, "usage": {"output_tokens": reply.usage.output}}))
        return [*events, _event("message_stop", {})]

    def failure(self, kind: FaultKind) -> Answer:
        """Anthropic's error object."""
        return _error(*_FAILURES[kind])


def _block(index: int, opening: dict[str, Any], deltas: list[dict[str, Any]]) -> list[bytes]:
    return [
        _event("content_block_start", {"index": index, "content_block": opening}),
        *(_event("content_block_delta", {"index": index, "delta": delta}) for delta in deltas),
        _event("content_block_stop", {"index": index}),
    ]


def _event(name: str, fields: dict[str, Any]) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + encoded({"type": name, **fields}) + b"\n\n"


def _message(model: str) -> dict[str, Any]:
    return {
        "id": "msg_fake", "type": "message", "role": "assistant", "model": model, "content": [],
        "stop_reason": None, "stop_sequence": None,
    }  # fmt: skip


def _usage(usage: Usage) -> dict[str, Any]:
    # Anthropic counts cached tokens beside input_tokens, not within them.
    return {
        "input_tokens": usage.input - usage.cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": usage.cached,
        "output_tokens": usage.output,
        "service_tier": "standard",
    }


def _call_id(call: ToolCall, index: int) -> str:
    return call.id or f"toolu_fake{index}"


def _models() -> dict[str, Any]:
    rows = [
        {"type": "model", "id": name, "display_name": name, "created_at": "2026-01-01T00:00:00Z"} for name in MODELS
    ]
    return {"data": rows, "has_more": False, "first_id": MODELS[0], "last_id": MODELS[-1]}


def _error(status: int, type: str, message: str) -> Answer:
    body = {"type": "error", "error": {"type": type, "message": message}, "request_id": "req_fake"}
    return json_answer(body, status)
