"""The start of a workflow: the input of the run is its output."""

from interlock.domains.workflows.manifest import Outcome, Work
from interlock.domains.workflows.nodes.trigger.manifest import Config


async def run(work: Work, config: Config) -> Outcome:
    """Pass the run's input on."""
    return Outcome(work.data)
