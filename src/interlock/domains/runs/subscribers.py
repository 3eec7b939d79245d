"""What runs do when other domains have news."""

from interlock.domains.tools.events import ToolCallSettled
from interlock.kit.ids import RunId
from interlock.runtime.context import Ctx


async def wake_waiting_run(ctx: Ctx, event: ToolCallSettled) -> None:
    """A held call was decided: let the run that waits for it go on."""
    if event.run_id is None:
        return
    async with ctx.begin() as waking:
        flow_id = str(RunId.of(event.run_id))
        await ctx.runtime.durable.signal(waking, flow_id, f"call:{event.call_id}", {"status": event.status.value})
