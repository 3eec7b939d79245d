"""Branches come together."""

from interlock.domains.workflows.manifest import Outcome, Work
from interlock.domains.workflows.nodes.join.manifest import Config


async def run(work: Work, config: Config) -> Outcome:
    """Pass the data on; the walk does the rest."""
    return Outcome(work.data)
