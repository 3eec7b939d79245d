"""Facts of the kind `transform`."""

from typing import Self

from pydantic import model_validator

from interlock.domains.workflows.manifest import Manifest, NodeConfig
from interlock.domains.workflows.states import Category
from interlock.kit.expressions import ExpressionText, TemplateText


class Config(NodeConfig):
    """Either one expression, or fields of a new object, each a text that may hold `{{ expressions }}`."""

    expression: ExpressionText | None = None
    fields: dict[str, TemplateText] | None = None
    keep_input: bool = False

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
)
