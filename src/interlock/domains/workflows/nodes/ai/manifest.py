"""Facts of the kind `ai`."""

from typing import Annotated, Any

from pydantic import Field

from interlock.domains.workflows.manifest import Manifest, NodeConfig
from interlock.domains.workflows.states import Category
from interlock.kit.expressions import ExpressionText, TemplateText


class Config(NodeConfig):
    """Which model, what it is asked, and how the answer is read."""

    model: Annotated[str, Field(min_length=1, max_length=200, description="Model id, prefix, alias or route.")]
    prompt: Annotated[TemplateText, Field(min_length=1, description="The task; `{{ expressions }}` are filled in.")]
    data: Annotated[
        ExpressionText | None,
        Field(description="Handed over behind the prompt, fenced as data: put outside text here."),
    ] = None
    system_prompt: TemplateText | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    use_memory: Annotated[bool, Field(description="Let what is remembered join the prompt as reference data.")] = True
    answer_schema: Annotated[
        dict[str, Any] | None, Field(description="JSON schema of the answer; without it the answer is text.")
    ] = None


MANIFEST = Manifest(
    kind="ai",
    title="AI",
    summary="Asks a model; the answer is screened by the content policies.",
    category=Category.AI,
    config=Config,
)
