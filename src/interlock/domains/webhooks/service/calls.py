"""Operations on received calls: who called a hook, with what, what became of it, and once more."""

from interlock.domains.runs.states import Trigger
from interlock.domains.webhooks.incoming import input_of
from interlock.domains.webhooks.repository import HookCalls, Hooks
from interlock.domains.webhooks.service.hooks import HookRef
from interlock.domains.webhooks.states import CallOutcome, HookStatus
from interlock.domains.webhooks.views import HookCall, HookCallDetail, HookCallId, HookId
from interlock.domains.workflows import service as workflows
from interlock.kit.errors import conflict
from interlock.kit.operations import Effect, operation
from interlock.kit.paging import Page, PageQuery
from interlock.runtime.context import Ctx

NOT_SIGNED = "unauthorized"


class ListCalls(PageQuery):
    """Whose calls, which of them, and which page."""

    hook_id: HookId
    outcome: CallOutcome | None = None


class CallRef(HookRef):
    """Which call of which hook."""

    call_id: HookCallId


@operation("hooks.calls", scope="workflows")
async def calls(ctx: Ctx, command: ListCalls) -> Page[HookCall]:
    """List the newest calls a hook has received, newest first; they are noted within a few seconds."""
    hook = await Hooks(ctx).get(command.hook_id)
    return await HookCalls(ctx).page(command, {"hook_id": hook.id, "outcome": command.outcome})


@operation("hooks.get_call", scope="workflows")
async def get_call(ctx: Ctx, command: CallRef) -> HookCallDetail:
    """Show one received call with its headers, without what proves who called, and its payload."""
    return await HookCalls(ctx).detail(command.hook_id, command.call_id)


@operation("hooks.replay_call", scope="workflows", effect=Effect.WRITE)
async def replay_call(ctx: Ctx, command: CallRef) -> HookCall:
    """Start the hook's workflow again with the payload of an earlier call; it is noted as a call of its own."""
    hook = await Hooks(ctx).get(command.hook_id)
    call = await HookCalls(ctx).detail(command.hook_id, command.call_id)
    if hook.status is not HookStatus.ACTIVE:
        raise conflict("This hook is paused.", hint="Set its status to active.", status=hook.status.value)
    if call.payload is None:
        raise conflict(
            "The payload of this call was not kept, so that it cannot be made again.",
            hint="Payloads up to 64 KB of text are kept.",
        )
    if call.code == NOT_SIGNED:
        raise conflict("This call was not signed as the hook asks, so that it is not made again.")
    data = input_of(call.payload.encode(), ctx.settings.max_json_depth)
    run = await workflows.launch(ctx, workflows.Launch(hook.workflow_id, data, Trigger.HOOK, str(hook.id)))
    return await HookCalls(ctx).add(
        HookCallId.new(),
        hook_id=hook.id,
        received_at=ctx.now,
        outcome=CallOutcome.ACCEPTED,
        source=None,
        headers=call.headers,
        payload=call.payload,
        size=call.size,
        run_id=run.id,
        code=None,
        error=None,
        replay_of=call.id,
    )
