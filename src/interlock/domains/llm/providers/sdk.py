"""Calls through pydantic-ai's models, with every failure told in the gateway's words."""

import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field

import httpx2
from pydantic import ValidationError
from pydantic_ai.direct import model_request, model_request_stream
from pydantic_ai.exceptions import ModelAPIError, ModelHTTPError, UnexpectedModelBehavior, UserError
from pydantic_ai.messages import (
    BaseToolCallPart,
    BaseToolReturnPart,
    ModelMessage,
    ModelRequest,
    ModelResponse,
    SystemPromptPart,
    TextPart,
    ThinkingPart,
    UserPromptPart,
)
from pydantic_ai.models import Model, ModelRequestParameters, StreamedResponse
from pydantic_ai.settings import ModelSettings
from pydantic_ai.usage import RequestUsage

from interlock.domains.llm.errors import ProviderError, garbled, not_delivered, refused, unsupported
from interlock.domains.llm.metering import estimated_tokens
from interlock.domains.llm.routing import Target
from interlock.domains.llm.views import ProviderKind, TokenUsage
from interlock.kit.errors import InterlockError, Kind
from interlock.runtime.http_errors import cause_of

_MEDIA_CHARACTERS = 4_000
_ALWAYS_SAYS_WHY = frozenset({ProviderKind.ANTHROPIC, ProviderKind.GOOGLE})


@dataclass(frozen=True, slots=True)
class SdkCall:
    """A request as pydantic-ai wants it."""

    messages: Sequence[ModelMessage]
    settings: ModelSettings | None = None
    parameters: ModelRequestParameters = field(default_factory=ModelRequestParameters)


async def ask(model: Model, target: Target, call: SdkCall) -> ModelResponse:
    """The model's whole reply."""
    with told(target):
        response = await model_request(
            model,
            list(call.messages),
            model_settings=call.settings,
            model_request_parameters=call.parameters,
            instrument=False,
        )
    if target.upstream.kind in _ALWAYS_SAYS_WHY and not is_finished(response):
        raise garbled(target.upstream.name, "a reply that breaks off")
    return response


def is_finished(response: ModelResponse) -> bool:
    """Whether the provider said why it stopped; a library may swallow a garbled end and keep what came before it."""
    return response.finish_reason is not None or "finish_reason" in (response.provider_details or {})


@contextlib.asynccontextmanager
async def opened(model: Model, target: Target, call: SdkCall) -> AsyncIterator[StreamedResponse]:
    """The model's reply as it is generated; wrap the iteration in `told` too."""
    with told(target):
        async with model_request_stream(
            model,
            list(call.messages),
            model_settings=call.settings,
            model_request_parameters=call.parameters,
            instrument=False,
        ) as stream:
            yield stream


@contextlib.contextmanager
def told(target: Target) -> Iterator[None]:
    """Turn what libraries raise into ours; cancellation and our own errors pass."""
    name = target.upstream.name
    try:
        yield
    except InterlockError:
        raise
    except Exception as error:
        ours = cause_of(error)
        if ours is not None:
            raise not_delivered(name, ours) from error
        failure = _failure(name, error)
        if failure is None:
            raise
        raise failure from error


def _failure(name: str, error: Exception) -> InterlockError | None:
    if isinstance(error, ModelHTTPError):
        return refused(name, error.status_code, error.body or "", error.headers)
    if isinstance(error, httpx2.TimeoutException | TimeoutError):
        return ProviderError(
            Kind.UPSTREAM_TIMEOUT,
            f"{name} did not answer in time.",
            code="provider_timeout",
            provider=name,
            retryable=True,
        )
    if isinstance(error, httpx2.HTTPError):
        return ProviderError(
            Kind.UPSTREAM, f"{name} could not be reached.", code="provider_unreachable", provider=name, retryable=True
        )
    if isinstance(error, UserError):
        return unsupported(name, "model", str(error)[:300])
    if isinstance(error, ModelAPIError | UnexpectedModelBehavior | ValidationError | ValueError):
        return garbled(name, "something that is not a reply in its own format")
    return None


def usage_of(counted: RequestUsage, messages: Sequence[ModelMessage], response: ModelResponse | None) -> TokenUsage:
    """The tokens the provider counted, or a marked estimate when it counted none."""
    if counted.input_tokens or counted.output_tokens:
        return TokenUsage(
            input_tokens=counted.input_tokens,
            output_tokens=counted.output_tokens,
            cached_tokens=counted.cache_read_tokens,
            cache_write_tokens=counted.cache_write_tokens,
        )
    written = 0 if response is None else characters([response])
    return TokenUsage(
        input_tokens=estimated_tokens(characters(messages)), output_tokens=estimated_tokens(written), estimated=True
    )


def characters(messages: Sequence[ModelMessage]) -> int:
    """How much text a conversation holds; anything that is not text counts as a page."""
    return sum(_length(part) for message in messages for part in message.parts) + sum(
        len(message.instructions or "") for message in messages if isinstance(message, ModelRequest)
    )


def _length(part: object) -> int:
    match part:
        case UserPromptPart(content=str(text)):
            return len(text)
        case UserPromptPart():
            return sum(len(item) if isinstance(item, str) else _MEDIA_CHARACTERS for item in part.content)
        case SystemPromptPart() | TextPart() | ThinkingPart():
            return len(part.content)
        case BaseToolCallPart():
            return len(part.tool_name) + len(part.args_as_json_str())
        case BaseToolReturnPart():
            return len(part.model_response_str())
        case _:
            return _MEDIA_CHARACTERS
