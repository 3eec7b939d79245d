"""Operations of the llm domain, by verb group; `calls.request`, what the agent loop calls, is imported by itself."""

from interlock.domains.llm.chat import ChatMessage, CompleteChat, Completion, Finished, Role, TextDelta
from interlock.domains.llm.service.chat import ChatStream, complete, stream
from interlock.domains.llm.service.embeddings import EmbedTexts, embed
from interlock.domains.llm.service.models import (
    CreateRoute,
    RouteRef,
    UpdateRoute,
    create_route,
    delete_route,
    list_routes,
    models,
    update_route,
    window_of,
)
from interlock.domains.llm.service.providers import (
    CreateProvider,
    ProviderRef,
    TestProvider,
    UpdateProvider,
    create_provider,
    delete_provider,
    get_provider,
    health,
    list_providers,
    test_provider,
    update_provider,
)
from interlock.domains.llm.service.vectors import vector_of, vectors_of
from interlock.domains.llm.switchboard import shut_down
from interlock.domains.llm.views import ModelCall, ModelReply

__all__ = [
    "ChatMessage",
    "ChatStream",
    "CompleteChat",
    "Completion",
    "CreateProvider",
    "CreateRoute",
    "EmbedTexts",
    "Finished",
    "ModelCall",
    "ModelReply",
    "ProviderRef",
    "Role",
    "RouteRef",
    "TestProvider",
    "TextDelta",
    "UpdateProvider",
    "UpdateRoute",
    "complete",
    "create_provider",
    "create_route",
    "delete_provider",
    "delete_route",
    "embed",
    "get_provider",
    "health",
    "list_providers",
    "list_routes",
    "models",
    "shut_down",
    "stream",
    "test_provider",
    "update_provider",
    "update_route",
    "vector_of",
    "vectors_of",
    "window_of",
]
