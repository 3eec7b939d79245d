"""Gemini's wire: generateContent and streamGenerateContent; after https://ai.google.dev/api/generate-content."""

import re
from collections.abc import Sequence
from typing import Any

from tests.fakes.provider import Answer, Ask, encoded, json_answer, parsed_object, pieces
from tests.fakes.script import DEFAULT_REPLY, FaultKind, Finish, Received, Reply, Usage

MODELS = ("gemini-fake-1",)
_CALL = re.compile(r"/v1(?:beta)?/models/([^/:?]+):(generateContent|streamGenerateContent)(?:\?(.*))?")
_FINISH = {
    Finish.STOP: "STOP",
    Finish.LENGTH: "MAX_TOKENS",
    Finish.TOOL_CALLS: "STOP",
    Finish.CONTENT_FILTER: "SAFETY",
}
_BAD_KEY = "API key not valid. Please pass a valid API key."
_FAILURES = {
    FaultKind.UNAUTHORIZED: (400, "INVALID_ARGUMENT", _BAD_KEY),
    FaultKind.RATE_LIMITED: (429, "RESOURCE_EXHAUSTED", "You exceeded your current quota."),
    FaultKind.SERVER_ERROR: (500, "INTERNAL", "An internal error has occurred."),
    FaultKind.OVERLOADED: (503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
}


class GeminiWire:
    """The Gemini developer API."""

    def generates(self, path: str) -> bool:
        """Both generate methods take replies from the script."""
        return path.endswith(("generateContent", "streamGenerateContent"))

    def read(self, request: Received) -> Ask | Answer:
        """Check key and fields; answer models at once."""
        path, _, query = request.path.partition("?")
        if "x-goog-api-key" not in request.headers and "key=" not in query:
            message = "Method doesn't allow unregistered callers (callers without established identity)."
            return _error(403, "PERMISSION_DENIED", message)
        if request.method == "GET" and re.fullmatch(r"/v1(beta)?/models", path):
            return json_answer({"models": [{"name": f"models/{name}", "displayName": name} for name in MODELS]})
        call = _CALL.fullmatch(request.path)
        if request.method != "POST" or call is None:
            return _error(404, "NOT_FOUND", f"{path} is not found")
        model, method = call[1], call[2]
        body = parsed_object(request.body)
        if body is None:
            return _error(400, "INVALID_ARGUMENT", "Invalid JSON payload received.")
        if not body.get("contents"):
            return _error(400, "INVALID_ARGUMENT", "* GenerateContentRequest.contents: contents is not specified")
        stream = method == "streamGenerateContent"
        if stream and "alt=sse" not in query:
            return _error(400, "INVALID_ARGUMENT", "This fake streams with alt=sse only.")
        return Ask(model, stream, {})

    def default(self, ask: Ask) -> bytes | Sequence[bytes]:
        """The default reply."""
        return self.events(DEFAULT_REPLY, ask) if ask.stream else self.whole(DEFAULT_REPLY, ask)

    def whole(self, reply: Reply, ask: Ask) -> bytes:
        """A GenerateContentResponse."""
        parts = [{"text": reply.text}] if reply.text else []
        return encoded(_response(reply, ask.model, [*parts, *_calls(reply)], last=True))

    def events(self, reply: Reply, ask: Ask) -> Sequence[bytes]:
        """Partial GenerateContentResponses; the last one has the finish reason and the full usage."""
        steps: list[list[dict[str, Any]]] = [[{"text": piece}] for piece in pieces(reply.text)]
        steps += [[call] for call in _calls(reply)]
        steps = steps or [[]]
        return [
            b"data: " + encoded(_response(reply, ask.model, parts, last=number == len(steps))) + b"\r\n\r\n"
            for number, parts in enumerate(steps, 1)
        ]

    def failure(self, kind: FaultKind) -> Answer:
        """Google's error object."""
        status, name, message = _FAILURES[kind]
        details: list[dict[str, Any]] = []
        if kind is FaultKind.UNAUTHORIZED:
            info = {"reason": "API_KEY_INVALID", "domain": "googleapis.com"}
            details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", **info}]
        if kind is FaultKind.RATE_LIMITED:
            details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1s"}]
        return _error(status, name, message, details)


def _calls(reply: Reply) -> list[dict[str, Any]]:
    if _malformed(reply):
        return []
    return [{"functionCall": {"name": call.name, "args": call.arguments_value}} for call in reply.tool_calls]


def _malformed(reply: Reply) -> str | None:
    """What Gemini says of arguments that are no object: it sends no call then, only a finish reason."""
    for call in reply.tool_calls:
        if not isinstance(call.arguments_value, dict):
            return f"Malformed function call: {call.name}({call.arguments_text})"
    return None


def _response(reply: Reply, model: str, parts: list[dict[str, Any]], *, last: bool) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "index": 0}
    if last:
        candidate["finishReason"] = _FINISH[reply.finished]
        if problem := _malformed(reply):
            candidate |= {"finishReason": "MALFORMED_FUNCTION_CALL", "finishMessage": problem}
    usage = _usage(reply.usage) if last else {"promptTokenCount": reply.usage.input}
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": model, "responseId": "fake"}


def _usage(usage: Usage) -> dict[str, Any]:
    counts = {
        "promptTokenCount": usage.input,
        "candidatesTokenCount": usage.output,
        "totalTokenCount": usage.input + usage.output,
    }
    return {**counts, "cachedContentTokenCount": usage.cached} if usage.cached else counts


def _error(status: int, name: str, message: str, details: list[dict[str, Any]] | None = None) -> Answer:
    error: dict[str, Any] = {"code": status, "message": message, "status": name}
    if details:
        error["details"] = details
    return json_answer({"error": error}, status)
