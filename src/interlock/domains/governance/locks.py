"""One lock per workspace for everything in governance that reads and then writes.

Money totals and the evidence chain are often touched in one unit of work, in either order: two locks could wait for
each other.
"""

from interlock.runtime.context import Ctx
from interlock.runtime.database import Session


async def hold_workspace(ctx: Ctx) -> Session:
    """Hold the workspace's governance lock until this unit of work ends, and return its session."""
    session = await ctx.session()
    if session.is_postgres:
        await session.lock(f"governance:{ctx.workspace_id.hex}")
    return session
