"""The embedded chat model as a provider; the model itself is embedded/local_model.py."""

from pydantic_ai.models import Model

from interlock.domains.llm.embedded.local_model import LocalModel
from interlock.domains.llm.routing import Target
from interlock.domains.llm.switchboard import embedded_chat
from interlock.runtime.context import Ctx


def build(ctx: Ctx, _target: Target) -> Model:
    """The embedded chat model, the only one there is."""
    return LocalModel(embedded_chat(ctx))
