"""OpenAI's chat completions, for OpenAI itself and everything that speaks its protocol."""

from openai import AsyncOpenAI
from pydantic_ai.models import Model
from pydantic_ai.models.ollama import OllamaModel
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.models.openrouter import OpenRouterModel
from pydantic_ai.providers.ollama import OllamaProvider
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider
from pydantic_ai.providers.openrouter import OpenRouterProvider

from interlock.domains.llm.routing import Target
from interlock.domains.llm.views import ProviderKind
from interlock.runtime.context import Ctx

# The SDK insists on a key; servers that want none ignore it.
_NO_KEY = "none"


def build(ctx: Ctx, target: Target) -> Model:
    """A client for one model."""
    upstream = target.upstream
    client = AsyncOpenAI(
        api_key=upstream.credential or _NO_KEY,
        base_url=upstream.base_url,
        max_retries=0,
        timeout=upstream.timeout_seconds,
        http_client=ctx.runtime.http.client_for_sdk(
            timeout=upstream.timeout_seconds, allow_private=upstream.allow_private
        ),
    )
    if upstream.kind is ProviderKind.OPENAI:
        return OpenAIChatModel(target.model, provider=OpenAIProvider(openai_client=client))
    if upstream.kind is ProviderKind.OLLAMA:
        return OllamaModel(target.model, provider=OllamaProvider(openai_client=client))
    if upstream.kind is ProviderKind.OPENROUTER:
        return OpenRouterModel(target.model, provider=OpenRouterProvider(openai_client=client))
    return OpenAIChatModel(target.model, provider=OpenAICompatibleProvider(upstream.name, openai_client=client))
