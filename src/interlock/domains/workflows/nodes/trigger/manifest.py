"""Facts of the kind `trigger`."""

from interlock.domains.workflows.manifest import Manifest, NodeConfig
from interlock.domains.workflows.states import Category


class Config(NodeConfig):
    """A trigger has nothing to set: hooks, forms and schedules point at the workflow."""


MANIFEST = Manifest(
    kind="trigger",
    title="Trigger",
    summary="Gives what the run was started with to the first nodes.",
    category=Category.START,
    config=Config,
    pure=True,
)
