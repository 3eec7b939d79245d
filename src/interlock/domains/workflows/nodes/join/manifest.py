"""Facts of the kind `join`."""

from interlock.domains.workflows.manifest import Manifest, NodeConfig
from interlock.domains.workflows.states import Category


class Config(NodeConfig):
    """Nothing to set: the edges say it all."""


MANIFEST = Manifest(
    kind="join",
    title="Join",
    summary="Waits for every branch that leads to it, and gives their outputs by node.",
    category=Category.FLOW,
    config=Config,
    pure=True,
)
