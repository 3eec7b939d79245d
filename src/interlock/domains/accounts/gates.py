"""Conditions every call must meet: a known caller, the operation's scope, and AI access where it calls models."""

from pydantic import BaseModel

from interlock.kit.errors import forbidden, unauthenticated
from interlock.kit.operations import Operation
from interlock.runtime.context import ActorKind, Ctx


async def known_caller(ctx: Ctx, operation: Operation, command: BaseModel) -> None:
    """Refuse anonymous callers, except for operations made for them."""
    if ctx.actor.kind is ActorKind.ANONYMOUS and not operation.public:
        raise unauthenticated(
            "This call needs a credential.", hint="Send an API key in x-api-key, or a bearer token in Authorization."
        )


async def scope_held(ctx: Ctx, operation: Operation, command: BaseModel) -> None:
    """Refuse callers whose credential does not carry the operation's scope."""
    if operation.scope is None or operation.scope in ctx.scopes or "*" in ctx.scopes:
        return
    raise forbidden(
        f"This credential lacks the scope '{operation.scope}'.",
        scope=operation.scope,
        hint=f"Use a key that carries '{operation.scope}'.",
    )


async def ai_access(ctx: Ctx, operation: Operation, command: BaseModel) -> None:
    """Refuse operations that lead to model calls where the plan has no AI access."""
    if operation.ai and not ctx.has_ai_access:
        raise forbidden("This workspace's plan has no AI access.", hint="An owner can turn AI access on.")
