"""A choice between branches."""

from interlock.domains.workflows.manifest import Outcome, Work
from interlock.domains.workflows.nodes.condition.manifest import Config
from interlock.kit.expressions import truth


async def run(work: Work, config: Config) -> Outcome:
    """Pass the data on by the branch that holds."""
    if config.when is not None:
        return Outcome(work.data, "true" if truth(work.compute(config.when)) else "false")
    for case in config.cases:
        if truth(work.compute(case.when)):
            return Outcome(work.data, case.branch)
    return Outcome(work.data, "else")
