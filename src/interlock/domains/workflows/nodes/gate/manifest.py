"""Facts of the kind `gate`."""

from typing import Annotated

from pydantic import Field

from interlock.domains.workflows.manifest import Manifest, NodeConfig, on_lines
from interlock.domains.workflows.states import Category
from interlock.kit.expressions import ExpressionText, TemplateText


class Config(NodeConfig):
    """What a person is asked, and what is shown to them; what they write in its place goes on instead."""

    message: Annotated[TemplateText, Field(min_length=1), on_lines("What the person is asked.")] = "Please review."
    review: Annotated[ExpressionText, Field(description="What is shown, and goes on when it is agreed to.")] = "input"


MANIFEST = Manifest(
    kind="gate",
    title="Human gate",
    summary="Waits until a person agrees; a refusal takes the branch rejected, or ends the run.",
    category=Category.PEOPLE,
    config=Config,
    branches=("approved", "rejected"),
)
