"""Facts of the kind `parallel`."""

from interlock.domains.workflows.manifest import Manifest, NodeConfig
from interlock.domains.workflows.states import Category


class Config(NodeConfig):
    """Nothing to set: the edges say it all."""


MANIFEST = Manifest(
    kind="parallel",
    title="Parallel",
    summary="Lets everything behind it begin at the same time.",
    category=Category.FLOW,
    config=Config,
    pure=True,
)
