"""Conversation files as models: only files of the scripts directory, never a path of the caller's choosing."""

from pydantic_ai.models import Model

from interlock.domains.llm.routing import Target
from interlock.domains.llm.script_file import load_script
from interlock.domains.llm.scripted import ScriptedModel
from interlock.domains.llm.scripts import script_named
from interlock.domains.llm.switchboard import embedded_chat
from interlock.runtime.context import Ctx


def build(ctx: Ctx, target: Target) -> Model:
    """A model that plays the named file; its drafts are written by the embedded chat model."""
    return ScriptedModel(load_script(script_named(ctx.settings, target.model)), drafter=embedded_chat(ctx).draft)
