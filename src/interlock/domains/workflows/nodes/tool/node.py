"""A tool, called through the governed pipeline."""

from interlock.domains.runs.service.calls import carry_out
from interlock.domains.tools import service as tools
from interlock.domains.tools.states import ToolStatus
from interlock.domains.workflows.manifest import NodeFailed, Outcome, Work
from interlock.domains.workflows.nodes.tool.manifest import Config
from interlock.runtime.durable import Json


async def run(work: Work, config: Config) -> Outcome:
    """Call the tool; its result is the output."""
    return await call(work, config.tool, work.filled(config.arguments))


async def call(work: Work, tool: str, arguments: dict[str, Json]) -> Outcome:
    """Make a governed call in the workflow's name, for whichever kind of node wants one."""
    command = tools.CallTool(
        tool=tool,
        arguments=arguments,
        idempotency_key=f"{work.run.run_id}:{work.step_key('call')}"[:200],
        run_id=work.run.run_id,
        agent_id=work.run.spender,
        run_cap=work.run_cap,
    )
    made = await carry_out(work.progress, work.step_key("call"), work.run.acting, command, node_id=work.key)
    if made.outcome is not None and made.outcome.status is ToolStatus.DONE:
        return Outcome(made.outcome.result, None, made.record, made.position, made.event)
    reason = made.record.reason or "The call came to nothing."
    may_retry = made.outcome is not None and made.outcome.status is ToolStatus.FAILED
    raise NodeFailed(reason, record=made.record, position=made.position, may_retry=may_retry)
