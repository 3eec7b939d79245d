"""What other domains and faces see of models: providers, routes, prices, calls and their replies."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from interlock.domains.llm.breaker import BreakerState
from interlock.kit.ids import AgentId, RunId, TypedId
from interlock.kit.operations import View

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelMessage, ModelResponse
    from pydantic_ai.settings import ModelSettings
    from pydantic_ai.tools import ToolDefinition


class ProviderId(TypedId):
    """A configured provider of models."""

    prefix: ClassVar[str] = "prov"


class RouteId(TypedId):
    """A name that stands for an ordered list of models."""

    prefix: ClassVar[str] = "route"


class ProviderKind(StrEnum):
    """Which protocol a provider speaks."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    GOOGLE = "google"
    OPENROUTER = "openrouter"
    OLLAMA = "ollama"
    OPENAI_COMPATIBLE = "openai_compatible"
    LOCAL = "local"
    SCRIPTED = "scripted"


SPEAKS_OPENAI = frozenset(
    {ProviderKind.OPENAI, ProviderKind.OPENROUTER, ProviderKind.OLLAMA, ProviderKind.OPENAI_COMPATIBLE}
)
BUILT_IN = frozenset({ProviderKind.LOCAL, ProviderKind.SCRIPTED})


class ProviderSource(StrEnum):
    """Who configured a provider."""

    WORKSPACE = "workspace"
    SETTINGS = "settings"
    BUILT_IN = "built_in"


class ModelPrice(View):
    """US dollars per million tokens, as the workspace declares them for a model no price list knows."""

    input: Annotated[Decimal, Field(ge=0, le=100_000, allow_inf_nan=False)]
    output: Annotated[Decimal, Field(ge=0, le=100_000, allow_inf_nan=False)]


class Provider(View):
    """A place that serves models; its credential shows only the last four characters."""

    id: ProviderId | None
    name: str
    kind: ProviderKind
    source: ProviderSource
    base_url: str | None = None
    credential: str | None = None
    enabled: bool = True
    priority: int = 100
    timeout_seconds: float = 120.0
    models: tuple[str, ...] = ()
    prices: dict[str, ModelPrice] = Field(default_factory=dict)
    created_at: datetime | None = None
    updated_at: datetime | None = None


class ModelRoute(View):
    """A name that agents and callers may use as a model; its targets are tried in order."""

    id: RouteId
    number: int
    name: str
    targets: tuple[str, ...]
    created_at: datetime
    updated_at: datetime


class LanguageModel(View):
    """One usable model; prices are US dollars per million tokens, and None means unknown rather than free."""

    id: str
    provider: str
    kind: ProviderKind
    name: str
    input_price: Decimal | None = None
    output_price: Decimal | None = None
    context_window: int | None = None
    embeds: bool = False
    scripted: bool = False
    targets: tuple[str, ...] = ()


class ProviderCheck(View):
    """What a test of a provider found."""

    name: str
    ok: bool
    latency_ms: int
    models: tuple[str, ...] = ()
    error: str | None = None


class HealthState(StrEnum):
    """How a provider has been answering this server lately."""

    UNKNOWN = "unknown"
    """Not asked since the server started."""
    HEALTHY = "healthy"
    FAILING = "failing"
    """The newest call failed."""
    RESTING = "resting"
    """So many calls failed that one of its models at least is not asked for a while."""


class ModelHealth(View):
    """A model that is not asked as usual: open for so many seconds, or half-open, which is one call to see."""

    model: str
    breaker: BreakerState
    retry_after: float


class ProviderHealth(View):
    """How a provider has been answering this server since it started; other servers have seen other calls.

    `last_error` is the code of the newest failure; `troubled` names the models that are not asked as usual.
    """

    name: str
    kind: ProviderKind
    source: ProviderSource
    state: HealthState
    troubled: tuple[ModelHealth, ...] = ()
    last_success_at: datetime | None = None
    last_failure_at: datetime | None = None
    last_error: str | None = None
    last_latency_ms: int | None = None
    calls: int = 0
    failures: int = 0


class TokenUsage(View):
    """Tokens of one call; cached ones are part of the input."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    estimated: bool = False
    """The provider did not say; counted from the text."""


@dataclass(frozen=True, slots=True)
class ModelCall:
    """One request of an agent to a model.

    Args:
        model: id, prefix, alias or route, as the agent's definition names it.
        run_cap: what the whole run may cost; reserved against together with the workspace's caps.
        reference: unique per intended call and the same when a durable step repeats it, so that it is billed once.
    """

    model: str
    messages: "Sequence[ModelMessage]"
    reference: str
    tools: "Sequence[ToolDefinition]" = ()
    settings: "ModelSettings | None" = None
    instructions: str | None = None
    run_id: RunId | None = None
    agent_id: AgentId | None = None
    run_cap: Decimal | None = None


@dataclass(frozen=True, slots=True)
class ModelReply:
    """What the model said and what it cost; `cost` None means that the price is unknown.

    Tool arguments that are no JSON object are left as the text the model wrote, for the caller to tell the model.
    """

    response: "ModelResponse"
    cost: Decimal | None
    usage: TokenUsage
    model: str
    provider: str
    latency_ms: int
    scripted: bool = False


@dataclass(frozen=True, slots=True)
class Embeddings:
    """One vector per text, in order."""

    vectors: list[list[float]] = field(repr=False)
    model: str
    provider: str
    usage: TokenUsage
    cost: Decimal | None
