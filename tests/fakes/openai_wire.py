"""OpenAI's wire: chat completions (whole and streamed), embeddings, models; after https://platform.openai.com/docs/api-reference."""

import base64
import functools
import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from tests.fakes.provider import Answer, Ask, encoded, json_answer, parsed_object, pieces
from tests.fakes.script import DEFAULT_REPLY, FaultKind, Received, Reply, ToolCall, Usage

CHAT = "/v1/chat/completions"
EMBEDDINGS = "/v1/embeddings"
MODELS = ("fake-1", "fake-1-mini", "fake-embedding-1")
DIMENSIONS = 64
CREATED = 1_794_000_000
DONE = b"data: [DONE]\n\n"
_FAILURES = {
    FaultKind.UNAUTHORIZED: (401, "Incorrect API key provided: sk-fake.", "invalid_request_error", "invalid_api_key"),
    FaultKind.RATE_LIMITED: (429, "Rate limit reached for requests.", "requests", "rate_limit_exceeded"),
    FaultKind.SERVER_ERROR: (500, "The server had an error while processing your request.", "server_error", None),
    FaultKind.OVERLOADED: (503, "The engine is currently overloaded, please try again later.", "server_error", None),
}


class OpenAIWire:
    """Chat completions and embeddings."""

    def generates(self, path: str) -> bool:
        """Only chat completions take replies from the script."""
        return path == CHAT

    def read(self, request: Received) -> Ask | Answer:
        """Check key and fields; answer models and embeddings at once."""
        if not any(name == b"authorization" and value.startswith(b"Bearer ") for name, value in request.raw_headers):
            return _error(401, "You didn't provide an API key.", "invalid_request_error", None)
        if request.method == "GET" and request.path == "/v1/models":
            return json_answer({"object": "list", "data": [_model(name) for name in MODELS]})
        if request.method != "POST" or request.path not in (CHAT, EMBEDDINGS):
            message = f"Invalid URL ({request.method} {request.path})"
            return _error(404, message, "invalid_request_error", None)
        body = parsed_object(request.body)
        if body is None:
            return _error(400, "We could not parse the JSON body of your request.", "invalid_request_error", None)
        needed = ("model", "messages") if request.path == CHAT else ("model", "input")
        for name in needed:
            if not body.get(name):
                message = f"Missing required parameter: '{name}'."
                return _error(400, message, "invalid_request_error", "missing_required_parameter", name)
        if request.path == EMBEDDINGS:
            return json_answer(_embeddings(body))
        usage = bool((body.get("stream_options") or {}).get("include_usage"))
        return Ask(body["model"], bool(body.get("stream")), {"include_usage": usage})

    def default(self, ask: Ask) -> bytes | Sequence[bytes]:
        """The default reply, built once per model and shape."""
        return _default(ask.model, ask.stream, bool(ask.options["include_usage"]))

    def whole(self, reply: Reply, ask: Ask) -> bytes:
        """A `chat.completion` object."""
        return _whole(reply, ask.model)

    def events(self, reply: Reply, ask: Ask) -> Sequence[bytes]:
        """`chat.completion.chunk` objects, a usage chunk where asked for, and [DONE]."""
        return _events(reply, ask.model, include_usage=bool(ask.options["include_usage"]))

    def failure(self, kind: FaultKind) -> Answer:
        """OpenAI's error object."""
        return _error(*_FAILURES[kind])


@functools.lru_cache(maxsize=64)
def _default(model: str, stream: bool, include_usage: bool) -> bytes | tuple[bytes, ...]:
    if stream:
        return tuple(_events(DEFAULT_REPLY, model, include_usage=include_usage))
    return _whole(DEFAULT_REPLY, model)


def _whole(reply: Reply, model: str) -> bytes:
    message: dict[str, Any] = {
        "role": "assistant", "content": reply.text or None, "refusal": None, "annotations": [],
    }  # fmt: skip
    if reply.tool_calls:
        message["tool_calls"] = [
            {"id": _call_id(call, index), "type": "function",
             "function": {"name": call.name, "arguments": call.arguments_text}}
            for index, call in enumerate(reply.tool_calls)
        ]  # fmt: skip
    return encoded(
        {
            "id": "chatcmpl-fake", "object": "chat.completion", "created": CREATED, "model": model,
            "choices": [
                {"index": 0, "message": message, "logprobs": None, "finish_reason": reply.finished.value}
            ],
            "usage": _usage(reply.usage), "service_tier": "default", "system_fingerprint": "fp_fake",
        }
    )  # fmt: skip


def _events(reply: Reply, model: str, *, include_usage: bool) -> list[bytes]:
    base: dict[str, Any] = {
        "id": "chatcmpl-fake", "object": "chat.completion.chunk", "created": CREATED, "model": model,
        "service_tier": "default", "system_fingerprint": "fp_fake",
    }  # fmt: skip
    if include_usage:
        base["usage"] = None

    def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return _event({**base, "choices": [choice]})

    first = {"role": "assistant", "content": "" if reply.text or not reply.tool_calls else None, "refusal": None}
    events = [chunk(first)]
    events += [chunk({"content": piece}) for piece in pieces(reply.text)]
    for index, call in enumerate(reply.tool_calls):
        opening = {"name": call.name, "arguments": ""}
        head = {"index": index, "id": _call_id(call, index), "type": "function", "function": opening}
        events.append(chunk({"tool_calls": [head]}))
        events += [
            chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
            for piece in pieces(call.arguments_text)
        ]
    events.append(chunk({}, reply.finished.value))
    if include_usage:
        events.append(_event({**base, "choices": [], "usage": _usage(reply.usage)}))
    return [*events, DONE]


def _event(value: dict[str, Any]) -> bytes:
    return b"data: " + encoded(value) + b"\n\n"


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.input + usage.output,
        "prompt_tokens_details": {"cached_tokens": usage.cached, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }


def _call_id(call: ToolCall, index: int) -> str:
    return call.id or f"call_fake{index}"


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": CREATED, "owned_by": "fake"}


def _embeddings(body: dict[str, Any]) -> dict[str, Any]:
    """Unit vectors drawn from each input's own hash: the same text always gets the same vector."""
    inputs = body["input"] if isinstance(body["input"], list) else [body["input"]]
    if inputs and isinstance(inputs[0], int):
        inputs = [inputs]
    size = int(body.get("dimensions") or DIMENSIONS)
    data = []
    for index, text in enumerate(inputs):
        seed = int.from_bytes(hashlib.sha256(str(text).encode()).digest()[:8], "big")
        vector = np.random.default_rng(seed).standard_normal(size).astype(np.float32)
        vector /= np.linalg.norm(vector)
        as_base64 = body.get("encoding_format") == "base64"
        shown = base64.b64encode(vector.tobytes()).decode() if as_base64 else vector.tolist()
        data.append({"object": "embedding", "index": index, "embedding": shown})
    tokens = sum(max(1, len(str(text)) // 4) for text in inputs)
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": data, "model": body["model"], "usage": usage}


def _error(status: int, message: str, type: str, code: str | None, param: str | None = None) -> Answer:
    return json_answer({"error": {"message": message, "type": type, "param": param, "code": code}}, status)
