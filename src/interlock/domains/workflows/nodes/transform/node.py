"""New data from old, by expressions."""

from interlock.domains.workflows.manifest import Outcome, Work
from interlock.domains.workflows.nodes.transform.manifest import Config


async def run(work: Work, config: Config) -> Outcome:
    """Evaluate the expression, or each field."""
    if config.expression is not None:
        made = work.compute(config.expression)
    else:
        made = {name: work.value(template) for name, template in (config.fields or {}).items()}
    if config.keep_input and isinstance(made, dict) and isinstance(work.data, dict):
        made = {**work.data, **made}
    return Outcome(made)
