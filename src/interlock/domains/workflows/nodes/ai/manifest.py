"""Facts of the kind `ai`."""

from typing import Annotated, Any

from pydantic import Field

from interlock.domains.workflows.manifest import Manifest, NodeConfig, chosen, on_lines
from interlock.domains.workflows.states import Category
from interlock.kit.expressions import ExpressionText, TemplateText


class Config(NodeConfig):
    """Which model, what it is asked, and how the answer is read."""

    model: Annotated[
        str,
        Field(min_length=1, max_length=200),
        chosen("models", "Which model; its id, a prefix, an alias or a route."),
    ]
    prompt: Annotated[TemplateText, Field(min_length=1), on_lines("The task; `{{ expressions }}` are filled in.")]
    data: Annotated[
        ExpressionText | None,
        Field(description="Handed over behind the prompt, fenced as data: put outside text here."),
    ] = None
    system_prompt: Annotated[TemplateText | None, on_lines("Who the model is and how it answers.")] = None
    temperature: Annotated[
        Annotated[float, Field(ge=0, le=2)] | None,
        Field(description="0 is steady, 2 is wild; empty is the model's own."),
    ] = None
    max_tokens: Annotated[
        Annotated[int, Field(ge=1, le=1_000_000)] | None, Field(description="The longest answer.")
    ] = None
    use_memory: Annotated[bool, Field(description="Let what is remembered join the prompt as reference data.")] = True
    answer_schema: Annotated[
        dict[str, Any] | None,
        Field(
            description="JSON schema of the answer; without it the answer is text.", json_schema_extra={"x-json": True}
        ),
    ] = None


MANIFEST = Manifest(
    kind="ai",
    title="AI",
    summary="Asks a model; the answer is screened by the content policies.",
    category=Category.AI,
    config=Config,
    fresh={"model": "default", "prompt": "Answer in a few friendly sentences.", "data": "input"},
)
