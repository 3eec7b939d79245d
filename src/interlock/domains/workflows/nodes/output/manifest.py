"""Facts of the kind `output`."""

from typing import Annotated

from pydantic import Field

from interlock.domains.workflows.manifest import Manifest, NodeConfig
from interlock.domains.workflows.states import Category
from interlock.kit.expressions import TemplateText


class Config(NodeConfig):
    """What the run gives back; without a value, what the node reads."""

    value: Annotated[
        TemplateText | dict[str, TemplateText] | None,
        Field(description="A text, or texts by name; empty gives on what the node reads."),
    ] = None


MANIFEST = Manifest(
    kind="output",
    title="Output",
    summary="Sets what the run gives back.",
    category=Category.DATA,
    config=Config,
    pure=True,
)
