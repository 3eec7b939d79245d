"""The result of a workflow."""

from interlock.domains.workflows.manifest import Outcome, Work
from interlock.domains.workflows.nodes.output.manifest import Config


async def run(work: Work, config: Config) -> Outcome:
    """Shape the result."""
    if config.value is None:
        return Outcome(work.data)
    if isinstance(config.value, dict):
        return Outcome({name: work.value(template) for name, template in config.value.items()})
    return Outcome(work.value(config.value))
