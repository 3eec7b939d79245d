"""What a fake model is told to say next, how it is told to fail, and what it was asked."""

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import orjson


class Finish(StrEnum):
    """Why a reply ends; each wire spells it its own way."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"


class FaultKind(StrEnum):
    """How a request fails, each in the provider's own status and body."""

    UNAUTHORIZED = "unauthorized"
    """401; Gemini answers a bad key with 400 API_KEY_INVALID."""
    RATE_LIMITED = "rate_limited"
    """429 with Retry-After."""
    SERVER_ERROR = "server_error"
    """500."""
    OVERLOADED = "overloaded"
    """529 at Anthropic, 503 at OpenAI and Gemini."""
    TIMEOUT = "timeout"
    """Silence, then a closed connection."""
    CUT = "cut"
    """The connection closes without a byte."""
    CUT_STREAM = "cut_stream"
    """The answer stops in its middle: after some events of a stream, or half a body."""
    INVALID_JSON = "invalid_json"
    """Status 200 around a body (or a stream event) that is not JSON."""


@dataclass(frozen=True)
class Usage:
    """Token counts of a reply; `cached` is part of `input`."""

    input: int = 11
    output: int = 7
    cached: int = 0


@dataclass(frozen=True)
class ToolCall:
    """A call the model asks for; arguments given as text are sent as they are, valid JSON or not."""

    name: str
    arguments: dict[str, Any] | str = field(default_factory=dict)
    id: str = ""

    @property
    def arguments_text(self) -> str:
        """The arguments as the JSON text (or non-JSON) on the wire."""
        return self.arguments if isinstance(self.arguments, str) else orjson.dumps(self.arguments).decode()

    @property
    def arguments_value(self) -> Any:
        """The arguments as a JSON value; text that is no JSON stays text."""
        if not isinstance(self.arguments, str):
            return self.arguments
        try:
            return orjson.loads(self.arguments)
        except orjson.JSONDecodeError:
            return self.arguments


@dataclass(frozen=True)
class Reply:
    """One answer of the model."""

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    usage: Usage = Usage()
    finish: Finish | None = None

    @property
    def finished(self) -> Finish:
        """The finish asked for, or the one that follows from the content."""
        return self.finish or (Finish.TOOL_CALLS if self.tool_calls else Finish.STOP)


DEFAULT_REPLY = Reply("Hello from the fake model.")


@dataclass(frozen=True)
class Fault:
    """One failure, used up by the next request."""

    kind: FaultKind
    retry_after: int = 1
    delay_seconds: float = 30.0
    reply: Reply = DEFAULT_REPLY
    """What is being said when CUT_STREAM or INVALID_JSON strikes."""
    events_before: int = 3
    """Stream events sent before CUT_STREAM or INVALID_JSON strikes."""


@dataclass(frozen=True)
class Received:
    """One request as it arrived."""

    method: str
    path: str
    raw_headers: list[tuple[bytes, bytes]]
    body: bytes

    @property
    def headers(self) -> dict[str, str]:
        """Headers by lower-case name."""
        return {name.decode("latin-1"): value.decode("latin-1") for name, value in self.raw_headers}

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return orjson.loads(self.body)


class Script:
    """A queue of replies and faults; when it is empty the fake says the default reply.

    A fault is met by whatever request comes next, a reply only by one that asks for text.
    """

    def __init__(self, *, keep_requests: bool = True) -> None:
        self.requests: list[Received] = []
        self._queue: deque[Reply | Fault] = deque()
        self._keep_requests = keep_requests

    def enqueue(self, *items: Reply | Fault) -> None:
        """Add replies and faults after those already queued."""
        self._queue.extend(items)

    def say(self, text: str) -> None:
        """Queue a plain text reply."""
        self.enqueue(Reply(text))

    @property
    def pending(self) -> int:
        """How many replies and faults are left."""
        return len(self._queue)

    def note(self, received: Received) -> None:
        """Keep a request, where requests are kept (a benchmark upstream keeps none)."""
        if self._keep_requests:
            self.requests.append(received)

    def take(self, *, generates: bool) -> Reply | Fault | None:
        """What the next request meets; None means the default."""
        if not self._queue or (isinstance(self._queue[0], Reply) and not generates):
            return None
        return self._queue.popleft()
