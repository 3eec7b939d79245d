"""Facts of the kind `transform`."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from interlock.domains.workflows.manifest import Manifest, NodeConfig
from interlock.domains.workflows.states import Category
from interlock.kit.expressions import ExpressionText, TemplateText


class Config(NodeConfig):
    """Either one expression, or fields of a new object, each a text that may hold `{{ expressions }}`."""

    expression: Annotated[ExpressionText | None, Field(description="The new data as one expression.")] = None
    fields: Annotated[dict[str, TemplateText] | None, Field(description="Or the new data as texts by name.")] = None
    keep_input: Annotated[bool, Field(description="Whether the fields of the input stay beside the new ones.")] = False

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.expression is None) == (self.fields is None):
            raise ValueError("give either 'expression' or 'fields'")
        return self


MANIFEST = Manifest(
    kind="transform",
    title="Transform",
    summary="Computes new data with expressions.",
    category=Category.DATA,
    config=Config,
    pure=True,
    fresh={"fields": {"text": "{{ text(input) }}"}},
)
