"""The doorway: the only way in from a face, a schedule, a webhook or an agent's tool call."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from pydantic import BaseModel

from interlock.kit.operations import Audit, Effect, Operation, facts_of
from interlock.runtime.context import Ctx

CommandT = TypeVar("CommandT", bound=BaseModel)
ResultT = TypeVar("ResultT")


class Gate(Protocol):
    """One condition that every call must meet before its operation runs; raises when it is not met."""

    async def __call__(self, ctx: Ctx, operation: Operation, command: BaseModel, /) -> None:
        """Let the call pass, or raise."""
        ...


class AuditWriter(Protocol):
    """Writes the one audit row of a writing call, inside its unit of work."""

    async def __call__(self, ctx: Ctx, operation: Operation, command: BaseModel, result: object, /) -> None:
        """Record who did what to what."""
        ...


async def invoke(ctx: Ctx, function: Callable[[Ctx, CommandT], Awaitable[ResultT]], command: CommandT) -> ResultT:
    """Run an operation for a caller: gates, then one unit of work with the function and its audit row, committed once.

    Args:
        ctx: the caller's context, without a unit of work.
        function: a function declared with `@operation`.
        command: its command.

    Raises:
        InterlockError: a gate refused, or the operation failed; nothing was written then.
    """
    operation = facts_of(function)
    for gate in ctx.runtime.gates:
        await gate(ctx, operation, command)
    if operation.effect is Effect.EXTERNAL:
        return await function(ctx, command)
    async with ctx.begin(write=operation.effect is Effect.WRITE) as inner:
        result = await function(inner, command)
        if operation.audit is Audit.SYSTEM_LOG and ctx.runtime.audit is not None:
            await ctx.runtime.audit(inner, operation, command, result)
    return result
