"""A call from outside that starts a workflow: checked, started in one unit of work, and answered."""

import asyncio
from typing import Annotated, Any

from pydantic import Field

from interlock.domains.runs.service.progress import stream_of
from interlock.domains.runs.states import LIFECYCLE, RunStatus, Trigger
from interlock.domains.webhooks.call_log import call_log_of
from interlock.domains.webhooks.incoming import Door, check_signature, door, fingerprint, input_of, require_room
from interlock.domains.webhooks.repository import Hooks
from interlock.domains.webhooks.states import CallOutcome
from interlock.domains.webhooks.tally import tally_of
from interlock.domains.webhooks.views import Receipt
from interlock.domains.workflows import service as workflows
from interlock.kit.errors import InterlockError, Kind, not_found
from interlock.kit.operations import Command, Effect, operation
from interlock.runtime.context import Ctx, WorkspaceId

NOT_PUBLISHED = "workflow_not_published"
_ENDINGS = {f"run.{status.value}": status for status in RunStatus if LIFECYCLE.is_final(status)}


class ReceiveCall(Command):
    """A call as it came: the exact bytes, and the headers by lower-case names."""

    slug: Annotated[str, Field(max_length=200)]
    body: bytes
    headers: dict[str, str]


async def owner(ctx: Ctx, slug: str) -> WorkspaceId:
    """Whose hook it is; not_found when it is nobody's, or paused."""
    return (await door(ctx, slug)).workspace_id


@operation("hooks.receive", effect=Effect.EXTERNAL, public=True)
async def receive(ctx: Ctx, command: ReceiveCall) -> Receipt:
    """Start a hook's workflow with the body of a call from outside."""
    async with ctx.begin(write=False) as looking:
        hook = await door(looking, command.slug)
    if hook.workspace_id != ctx.workspace_id:
        raise not_found("hook", command.slug)
    try:
        # In this order: who cannot sign must not use up the room of those who can.
        check_signature(hook, command.headers, command.body, ctx.now)
        await require_room(ctx, hook)
        receipt = await _start(ctx, hook, command)
    except InterlockError as error:
        tally_of(ctx.runtime).note(ctx, hook.id, refused=1)
        _note(ctx, hook, command, CallOutcome.REFUSED, code=error.code, error=error.message)
        raise
    tally_of(ctx.runtime).note(ctx, hook.id, accepted=not receipt.duplicate, duplicates=receipt.duplicate)
    outcome = CallOutcome.DUPLICATE if receipt.duplicate else CallOutcome.ACCEPTED
    _note(ctx, hook, command, outcome, run_id=receipt.run_id)
    if hook.respond_seconds is not None:
        return await _answer(ctx, receipt, hook.respond_seconds)
    return receipt


def _note(ctx: Ctx, hook: Door, command: ReceiveCall, outcome: CallOutcome, **more: Any) -> None:
    call_log_of(ctx.runtime).note(ctx, hook.id, outcome, command.headers, command.body, **more)


async def _start(ctx: Ctx, hook: Door, command: ReceiveCall) -> Receipt:
    """The run and its receipt come to be together or not at all."""
    data = input_of(command.body, ctx.settings.max_json_depth)
    mark = fingerprint(hook, command.headers, command.body)
    async with ctx.begin() as unit:
        if mark is not None:
            earlier = await Hooks(unit).seen(hook.id, mark, hook.window)
            if earlier is not None:
                return Receipt(run_id=earlier, duplicate=True)
        try:
            wanted = workflows.Launch(hook.workflow_id, data, Trigger.HOOK, str(hook.id))
            run = await workflows.launch(unit, wanted)
        except InterlockError as error:
            if error.kind is Kind.NOT_FOUND or error.code == NOT_PUBLISHED:
                raise not_found("hook", hook.slug) from error  # who calls need not know why
            raise
        if mark is not None:
            await Hooks(unit).started(hook.id, mark, run.id)
    return Receipt(run_id=run.id)


async def _answer(ctx: Ctx, receipt: Receipt, seconds: int) -> Receipt:
    """The run's output where it ends in time; the run goes on in either case."""
    try:
        async with asyncio.timeout(seconds):
            async for event in ctx.runtime.streams.follow(ctx, stream_of(receipt.run_id), 0):
                ending = None if event is None else _ENDINGS.get(event.type)
                if event is not None and ending is not None:
                    told = {"output": event.data.get("output"), "error": event.data.get("error")}
                    return receipt.model_copy(update={"status": ending, **told})
    except TimeoutError:
        pass
    return receipt
