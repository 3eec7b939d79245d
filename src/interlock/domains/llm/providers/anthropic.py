"""Anthropic's messages API."""

from anthropic import AsyncAnthropic
from pydantic_ai.models import Model
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.providers.anthropic import AnthropicProvider

from interlock.domains.llm.routing import Target
from interlock.runtime.context import Ctx


def build(ctx: Ctx, target: Target) -> Model:
    """A client for one model."""
    upstream = target.upstream
    client = AsyncAnthropic(
        api_key=upstream.credential or "",
        base_url=upstream.base_url,
        max_retries=0,
        timeout=upstream.timeout_seconds,
        http_client=ctx.runtime.http.client_for_sdk(
            timeout=upstream.timeout_seconds, allow_private=upstream.allow_private
        ),
    )
    return AnthropicModel(target.model, provider=AnthropicProvider(anthropic_client=client))
