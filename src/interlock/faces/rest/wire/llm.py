"""Native replies about models, their providers and routes."""

from interlock.domains.llm.views import (
    HealthState,
    ModelHealth,
    ModelPrice,
    ProviderId,
    ProviderKind,
    ProviderSource,
    RouteId,
)
from interlock.faces.rest.wire.base import Dollars, Timestamp, Wire


class ProviderReply(Wire):
    """A place that serves models; of its credential only the last four characters are shown."""

    id: ProviderId | None
    name: str
    kind: ProviderKind
    source: ProviderSource
    base_url: str | None
    credential: str | None
    enabled: bool
    priority: int
    timeout_seconds: float
    models: tuple[str, ...]
    prices: dict[str, ModelPrice]
    created_at: Timestamp | None
    updated_at: Timestamp | None


class ProviderCheckReply(Wire):
    """What a test of a provider found."""

    name: str
    ok: bool
    latency_ms: int
    models: tuple[str, ...]
    error: str | None


class ProviderHealthReply(Wire):
    """How a provider has been answering this server since it started."""

    name: str
    kind: ProviderKind
    source: ProviderSource
    state: HealthState
    troubled: tuple[ModelHealth, ...]
    last_success_at: Timestamp | None
    last_failure_at: Timestamp | None
    last_error: str | None
    last_latency_ms: int | None
    calls: int
    failures: int


class ModelRouteReply(Wire):
    """A name that stands for models, tried in order."""

    id: RouteId
    name: str
    targets: tuple[str, ...]
    created_at: Timestamp
    updated_at: Timestamp


class ModelReply(Wire):
    """A usable model; prices are US dollars per million tokens, null where nobody knows them."""

    id: str
    provider: str
    kind: ProviderKind
    name: str
    input_price: Dollars | None
    output_price: Dollars | None
    context_window: int | None
    embeds: bool
    scripted: bool
    targets: tuple[str, ...]
