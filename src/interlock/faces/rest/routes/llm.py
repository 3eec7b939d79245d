"""Routes about models, their providers and routes; asking a model is the business of /v1 and of agents."""

from interlock.domains.llm import service as llm
from interlock.faces.rest.binding import NativeRoute, route
from interlock.faces.rest.wire.base import Deleted
from interlock.faces.rest.wire.llm import (
    ModelReply,
    ModelRouteReply,
    ProviderCheckReply,
    ProviderHealthReply,
    ProviderReply,
)

ROUTES: tuple[NativeRoute, ...] = (
    route("GET", "/api/v1/models", llm.models, list[ModelReply]),
    route("GET", "/api/v1/providers", llm.list_providers, list[ProviderReply]),
    route("POST", "/api/v1/providers", llm.create_provider, ProviderReply),
    route("POST", "/api/v1/providers/test", llm.test_provider, ProviderCheckReply),
    route("GET", "/api/v1/providers/health", llm.health, list[ProviderHealthReply]),
    route("GET", "/api/v1/providers/{provider_id}", llm.get_provider, ProviderReply),
    route("PATCH", "/api/v1/providers/{provider_id}", llm.update_provider, ProviderReply),
    route("DELETE", "/api/v1/providers/{provider_id}", llm.delete_provider, Deleted),
    route("GET", "/api/v1/model-routes", llm.list_routes, list[ModelRouteReply]),
    route("POST", "/api/v1/model-routes", llm.create_route, ModelRouteReply),
    route("PATCH", "/api/v1/model-routes/{route_id}", llm.update_route, ModelRouteReply),
    route("DELETE", "/api/v1/model-routes/{route_id}", llm.delete_route, Deleted),
)
