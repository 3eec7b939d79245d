"""Google's Gemini API."""

from pydantic_ai.models import Model
from pydantic_ai.models.google import GoogleModel
from pydantic_ai.providers.google import GoogleProvider

from interlock.domains.llm.routing import Target
from interlock.runtime.context import Ctx


def build(ctx: Ctx, target: Target) -> Model:
    """A client for one model."""
    upstream = target.upstream
    provider = GoogleProvider(
        api_key=upstream.credential or "",
        base_url=upstream.base_url,
        http_client=ctx.runtime.http.client_for_sdk(
            timeout=upstream.timeout_seconds, allow_private=upstream.allow_private
        ),
    )
    return GoogleModel(target.model, provider=provider)
