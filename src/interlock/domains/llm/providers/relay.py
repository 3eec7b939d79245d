"""The short way to providers that speak OpenAI's format: the caller's JSON goes out, the provider's JSON comes back.

No SDK object is built in between; the reply is read once, for its usage.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import orjson

from interlock.domains.llm.chat import (
    ChatDelta,
    ChatToolCall,
    CompleteChat,
    FinishReason,
    Piece,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
)
from interlock.domains.llm.errors import garbled, not_delivered, refused, stream_cut
from interlock.domains.llm.replies import ChatReply, OpenStream
from interlock.domains.llm.routing import Target, Upstream
from interlock.domains.llm.views import TokenUsage
from interlock.kit.errors import InterlockError
from interlock.runtime.context import Ctx
from interlock.runtime.http import HttpReply, HttpStream

_CHAT = "/chat/completions"
_DONE = b"[DONE]"
_EVENT = b"data:"
_LARGEST_EVENT = 1_000_000
_MOST_TOKENS = 1_000_000_000


async def complete(ctx: Ctx, target: Target, command: CompleteChat) -> ChatReply:
    """The provider's whole reply."""
    reply = await post(ctx, target.upstream, _CHAT, orjson.dumps({**command.body(), "model": target.model}))
    return _whole(target.upstream.name, reply.body)


async def post(ctx: Ctx, upstream: Upstream, path: str, content: bytes) -> HttpReply:
    """Send JSON to a provider; raises unless it answers with success."""
    try:
        reply = await ctx.runtime.http.request(
            "POST",
            upstream.base_url + path,
            headers=headers(upstream),
            content=content,
            timeout=upstream.timeout_seconds,
            allow_private=upstream.allow_private,
        )
    except InterlockError as error:
        raise not_delivered(upstream.name, error) from error
    if not reply.ok:
        raise refused(upstream.name, reply.status, reply.body, reply.headers)
    return reply


def headers(upstream: Upstream) -> dict[str, str]:
    """What every request to an OpenAI-compatible provider carries."""
    sent = {"Content-Type": "application/json"}
    if upstream.credential:
        sent["Authorization"] = f"Bearer {upstream.credential}"
    return sent


async def open_stream(ctx: Ctx, target: Target, command: CompleteChat) -> OpenStream:
    """The provider's reply as it comes; returns once the first event is there."""
    upstream = target.upstream
    # Without the usage event a stream could not be billed; faces hide it from callers who did not ask for it.
    body = {**command.body(), "model": target.model, "stream": True, "stream_options": {"include_usage": True}}
    stack = AsyncExitStack()
    try:
        response = await stack.enter_async_context(
            ctx.runtime.http.stream(
                "POST",
                upstream.base_url + _CHAT,
                headers=headers(upstream),
                content=orjson.dumps(body),
                idle_timeout=upstream.timeout_seconds,
                allow_private=upstream.allow_private,
            )
        )
        if not 200 <= response.status < 300:
            raise refused(upstream.name, response.status, await response.read(), response.headers)
        tap = _Tap(upstream.name, response)
        return await OpenStream.begin(tap, tap.pieces(), stack, is_verbatim=True)
    except BaseException as error:
        await stack.aclose()
        if isinstance(error, InterlockError):
            raise not_delivered(upstream.name, error) from error
        raise


class _Tap:
    """Reads a provider's events as they pass: deltas, the finish, the usage."""

    def __init__(self, provider: str, response: HttpStream) -> None:
        self._provider = provider
        self._response = response
        self._is_done = False
        self.finish: FinishReason | None = None
        self.usage: TokenUsage | None = None
        self.usage_event: bytes | None = None

    async def pieces(self) -> AsyncIterator[Piece]:
        """One piece per read from the network, with all events that are whole by then."""
        rest = b""
        try:
            async for chunk in self._response.chunks():
                *frames, rest = (rest + chunk).replace(b"\r\n", b"\n").split(b"\n\n")
                piece = self._piece(frames)
                if piece.events:
                    yield piece
                if len(rest) > _LARGEST_EVENT:  # also because each read goes through all of it again
                    raise garbled(self._provider, f"a stream event of more than {_LARGEST_EVENT:,} bytes")
        except InterlockError as error:
            if error.code == "provider_cut":
                raise stream_cut(self._provider) from error
            raise not_delivered(self._provider, error) from error
        if not self._is_done and self.finish is None:
            raise stream_cut(self._provider)

    def _piece(self, frames: list[bytes]) -> Piece:
        events: list[bytes] = []
        deltas: list[ChatDelta] = []
        for frame in frames:
            data = b"".join(line[len(_EVENT) :].strip() for line in frame.split(b"\n") if line.startswith(_EVENT))
            if not data:
                continue  # a comment: some providers send them to keep the line open
            if data == _DONE:
                self._is_done = True
                continue
            event = self._parsed(data)
            deltas += self._read(event)
            if event.get("usage") and not event.get("choices"):
                self.usage_event = data
            else:
                events.append(data)
        return Piece(tuple(deltas), tuple(events))

    def _parsed(self, data: bytes) -> dict[str, Any]:
        try:
            event = orjson.loads(data)
        except orjson.JSONDecodeError:
            event = None
        if not isinstance(event, dict):
            raise garbled(self._provider, "a stream event that is not JSON")
        if "error" in event:
            error = event["error"] if isinstance(event["error"], dict) else {}
            status = error.get("code")
            raise refused(self._provider, status if isinstance(status, int) else 500, event, None)
        return event

    def _read(self, event: dict[str, Any]) -> list[ChatDelta]:
        if event.get("usage"):
            self.usage = usage_of(event["usage"])
        found: list[ChatDelta] = []
        for choice in event.get("choices") or ():
            delta = choice.get("delta") or {}
            if text := delta.get("content"):
                found.append(TextDelta(text))
            if thought := delta.get("reasoning_content") or delta.get("reasoning"):
                found.append(ReasoningDelta(str(thought)))
            for call in delta.get("tool_calls") or ():
                function = call.get("function") or {}
                arguments = function.get("arguments") or ""
                found.append(ToolCallDelta(call.get("index", 0), call.get("id"), function.get("name"), arguments))
            if choice.get("finish_reason"):
                self.finish = finish_of(choice["finish_reason"])
        return found


def _whole(provider: str, body: bytes) -> ChatReply:
    try:
        value = orjson.loads(body)
        choice = value["choices"][0]
        message = choice["message"]
        calls = tuple(
            ChatToolCall(id=call["id"], name=call["function"]["name"], arguments=call["function"]["arguments"])
            for call in message.get("tool_calls") or ()
            if "function" in call
        )
        return ChatReply(
            id=str(value.get("id", "")),
            text=message.get("content"),
            reasoning=message.get("reasoning_content") or message.get("reasoning"),
            tool_calls=calls,
            finish=finish_of(choice.get("finish_reason")),
            usage=usage_of(value["usage"]) if value.get("usage") else None,
            verbatim=body,
        )
    except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError) as error:
        raise garbled(provider, "a reply that is no chat completion") from error


def usage_of(usage: dict[str, Any]) -> TokenUsage:
    """Token counts in OpenAI's words."""
    details = usage.get("prompt_tokens_details") or {}
    read = _count(usage.get("prompt_tokens"))
    return TokenUsage(
        input_tokens=read,
        output_tokens=_count(usage.get("completion_tokens")),
        cached_tokens=min(read, _count(details.get("cached_tokens"))),
    )


def _count(value: object) -> int:
    """A provider's number, kept from booking nonsense."""
    return min(max(value, 0), _MOST_TOKENS) if isinstance(value, int) else 0


def finish_of(reason: object) -> FinishReason:
    """Why it stopped; compatible servers invent words, which mean a normal end."""
    if reason == "function_call":
        return FinishReason.TOOL_CALLS
    known = {member.value for member in FinishReason}
    return FinishReason(reason) if isinstance(reason, str) and reason in known else FinishReason.STOP
