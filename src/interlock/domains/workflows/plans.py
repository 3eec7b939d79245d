"""Plans in memory: a version never changes, so a process reads and compiles it once."""

from collections import OrderedDict

from interlock.domains.workflows import repository
from interlock.domains.workflows.graph import Plan, compiled
from interlock.domains.workflows.palette import kinds
from interlock.kit.ids import WorkflowId
from interlock.runtime.context import Ctx

_MOST = 200


class Plans:
    """The plans this process used last."""

    def __init__(self) -> None:
        self.known: OrderedDict[tuple[WorkflowId, int], Plan] = OrderedDict()


async def plan_of(ctx: Ctx, workflow_id: WorkflowId, version: int) -> Plan:
    """The plan of a version, inside a unit of work."""
    known = ctx.runtime.local(Plans).known
    key = (workflow_id, version)
    plan = known.get(key)
    if plan is None:
        graph = await repository.graph(ctx, workflow_id, version)
        plan = compiled(graph.nodes, graph.edges, kinds())
        known[key] = plan
        if len(known) > _MOST:
            known.popitem(last=False)
    else:
        known.move_to_end(key)
    return plan
