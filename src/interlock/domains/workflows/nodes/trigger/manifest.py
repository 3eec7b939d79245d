"""Facts of the kind `trigger`."""

from typing import Annotated, Any

from pydantic import Field

from interlock.domains.workflows.manifest import Manifest, NodeConfig
from interlock.domains.workflows.states import Category


class Config(NodeConfig):
    """Hooks, forms and schedules point at the workflow by themselves; what may be set here is for people."""

    sample: Annotated[
        dict[str, Any],
        Field(max_length=200, description="An example of what a run is started with; trying it out begins with this."),
    ] = Field(default_factory=dict)


MANIFEST = Manifest(
    kind="trigger",
    title="Trigger",
    summary="Gives what the run was started with to the first nodes.",
    category=Category.START,
    config=Config,
    pure=True,
)
