"""Facts of the kind `loop`."""

from typing import Annotated

from pydantic import Field

from interlock.domains.workflows.graph import ITEM_BRANCH
from interlock.domains.workflows.manifest import Manifest, NodeConfig
from interlock.domains.workflows.states import Category
from interlock.kit.expressions import ExpressionText


class Config(NodeConfig):
    """What is gone through; the body reads `item` and `index`."""

    items: Annotated[ExpressionText, Field(description="The list that is gone through.")] = "input"
    most: Annotated[int, Field(ge=1, le=10_000, description="A longer list is an error.")] = 1_000
    on_item_error: Annotated[
        str,
        Field(
            pattern="^(fail|skip)$",
            description="Whether one item that fails ends it all, or is passed over.",
            json_schema_extra={"x-options": ["fail", "skip"]},
        ),
    ] = "fail"


MANIFEST = Manifest(
    kind="loop",
    title="Loop",
    summary="Repeats the nodes behind its branch item for each item of a list, then goes on by done.",
    category=Category.FLOW,
    config=Config,
    branches=(ITEM_BRANCH, "done"),
)
