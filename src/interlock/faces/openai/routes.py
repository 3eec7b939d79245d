"""The endpoints. Keys, rate limit and scopes are those of every face; budgets and routing are the gateway's."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from interlock.domains.llm import service as llm
from interlock.domains.llm.service import ChatStream
from interlock.faces.openai.errors import error_body, error_response
from interlock.faces.openai.mapping import (
    DONE,
    Chunks,
    chat_request,
    completion_json,
    embeddings_json,
    embeddings_request,
    event,
    model_json,
)
from interlock.faces.web.body import read_body
from interlock.faces.web.credentials import PEOPLE_AND_KEYS, caller
from interlock.faces.web.errors import unexpected
from interlock.kit.errors import InterlockError, Kind
from interlock.kit.json_text import parse_json
from interlock.kit.operations import Nothing
from interlock.runtime.context import Ctx
from interlock.runtime.invoke import invoke

FACE = "openai"
_JSON = "application/json"
Handler = Callable[[Request, Ctx], Awaitable[Response]]


def routes() -> list[BaseRoute]:
    """Every route of this face."""
    return [
        Route("/v1/chat/completions", _known(chat_completions), methods=["POST"]),
        Route("/v1/embeddings", _known(embeddings), methods=["POST"]),
        Route("/v1/models", _known(list_models), methods=["GET"]),
        Route("/v1/models/{name:path}", _known(get_model), methods=["GET"]),
    ]


async def chat_completions(request: Request, ctx: Ctx) -> Response:
    """POST /v1/chat/completions."""
    asked = chat_request(await _json(request, ctx))
    if asked.stream:
        stream = await invoke(ctx, llm.stream, asked.command)
        return _Stream(stream, include_usage=asked.include_usage)
    completion = await invoke(ctx, llm.complete, asked.command)
    cost = "unknown" if completion.cost is None else f"{completion.cost:f}"
    headers = {**_told(completion.provider, scripted=completion.scripted), "x-interlock-cost": cost}
    return Response(completion_json(completion), headers=headers, media_type=_JSON)


async def embeddings(request: Request, ctx: Ctx) -> Response:
    """POST /v1/embeddings."""
    asked = embeddings_request(await _json(request, ctx))
    found = await invoke(ctx, llm.embed, asked.command)
    body = embeddings_json(found, as_base64=asked.base64)
    return Response(body, headers=_told(found.provider, scripted=False), media_type=_JSON)


async def list_models(_request: Request, ctx: Ctx) -> Response:
    """GET /v1/models."""
    found = await invoke(ctx, llm.models, Nothing())
    return _answer({"object": "list", "data": [model_json(model) for model in found]})


async def get_model(request: Request, ctx: Ctx) -> Response:
    """GET /v1/models/{name}."""
    name = request.path_params["name"]
    for model in await invoke(ctx, llm.models, Nothing()):
        if name in {model.id, model.name}:
            return _answer(model_json(model))
    message = f"The model '{name[:100]}' does not exist or you do not have access to it."
    raise InterlockError(Kind.NOT_FOUND, message, code="unknown_model", data={"field": "model"})


class _Stream(StreamingResponse):
    """A reply on its way; whatever ends the response also ends the call to the provider, and books it."""

    def __init__(self, stream: ChatStream, *, include_usage: bool) -> None:
        headers = {
            **_told(stream.provider, scripted=stream.scripted),
            "Cache-Control": "no-store",
            "X-Accel-Buffering": "no",
        }
        super().__init__(_events(stream, include_usage=include_usage), media_type="text/event-stream", headers=headers)
        self._stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._stream.aclose()


async def _events(stream: ChatStream, *, include_usage: bool) -> AsyncIterator[bytes]:
    chunks = Chunks(stream, include_usage=include_usage)
    try:
        async for piece in stream.pieces():
            if not stream.is_verbatim:
                yield b"".join([chunks.of(delta) for delta in piece.deltas])
            elif piece.events:
                yield b"".join([b"data: " + data + b"\n\n" for data in piece.events])
        if stream.is_verbatim and include_usage and stream.usage is not None:
            own = stream.usage_event
            yield chunks.usage(stream.usage) if own is None else b"data: " + own + b"\n\n"
    except InterlockError as error:
        # The status is sent long since; without [DONE] a client knows that the reply is not whole.
        yield event(error_body(error))
        return
    yield DONE


def _known(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """A handler for callers who show a key or a sign-in, with errors in this face's form."""

    async def handle(request: Request) -> Response:
        try:
            return await handler(request, await caller(request, FACE, PEOPLE_AND_KEYS))
        except InterlockError as error:
            return error_response(error)
        except Exception as error:  # noqa: BLE001 - the last resort: logged, and told without its details
            return error_response(unexpected(request, error))

    return handle


async def _json(request: Request, ctx: Ctx) -> object:
    raw = await read_body(request, ctx.settings.max_body_bytes)
    return parse_json(raw, max_depth=ctx.settings.max_json_depth)


def _told(provider: str, *, scripted: bool) -> Mapping[str, str]:
    """Who answered; a script never passes for a model."""
    return {"x-interlock-provider": provider, **({"x-interlock-scripted": "true"} if scripted else {})}


def _answer(value: object) -> Response:
    return Response(orjson.dumps(value), media_type=_JSON)
