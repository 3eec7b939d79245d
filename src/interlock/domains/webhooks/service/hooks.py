"""Operations on hooks: the addresses at which outside programs start workflows."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SecretStr, model_validator

from interlock.domains.webhooks.call_log import call_log_of
from interlock.domains.webhooks.incoming import PURPOSE
from interlock.domains.webhooks.repository import Hooks
from interlock.domains.webhooks.service.subscriptions import Secret
from interlock.domains.webhooks.states import DuplicateGuard, HookAction, HookStatus
from interlock.domains.webhooks.tally import tally_of
from interlock.domains.webhooks.views import Hook, HookId, HookSecret
from interlock.domains.workflows import service as workflows
from interlock.kit.errors import invalid
from interlock.kit.ids import WorkflowId
from interlock.kit.operations import Command, Effect, operation
from interlock.kit.paging import Page, PageQuery
from interlock.kit.patch import changes
from interlock.kit.signatures import new_secret
from interlock.runtime.context import Ctx
from interlock.runtime.secrets import new_token

DEFAULT_WINDOW = 86_400
DEFAULT_WAIT = 25
_SHOWN_END = 4
_HEADER = re.compile(r"[a-z0-9-]+")

Slug = Annotated[
    str,
    Field(
        min_length=3,
        max_length=80,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$",
        description="The end of the hook's address, unique on the server. Absent: one that nobody can guess.",
    ),
]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S", description="What people call it.")]
HookSigning = Annotated[
    Secret | None,
    Field(description="Callers sign with it. Absent: one is made. Null: the hook is open to anybody. Shown once."),
]
PerMinute = Annotated[int, Field(ge=1, le=100_000, description="Calls a minute; null for no limit of its own.")]
GuardHeader = Annotated[
    str, Field(max_length=100, pattern=r"^[A-Za-z0-9-]+$", description="Such as webhook-id or X-GitHub-Delivery.")
]
Window = Annotated[int, Field(ge=1, le=604_800, description="Seconds within which a call counts as made before.")]
Wait = Annotated[int, Field(ge=1, le=60, description="Seconds that a responding hook waits for the run's end.")]


class _GuardFields(Command):
    """What both creating and changing say of the guard against duplicates."""

    duplicate_header: GuardHeader | None = None

    @model_validator(mode="after")
    def _header_goes_with_its_guard(self) -> Self:
        guard: DuplicateGuard | None = getattr(self, "duplicate_guard", None)
        if guard is DuplicateGuard.HEADER and self.duplicate_header is None:
            raise ValueError("duplicate_header must name the header that tells calls apart")
        if self.duplicate_header is not None and guard is not DuplicateGuard.HEADER:
            raise ValueError("duplicate_header goes with duplicate_guard 'header'")
        return self


class CreateHook(_GuardFields):
    """A slug bound to a workflow."""

    workflow_id: WorkflowId
    slug: Slug | None = None
    name: Name | None = None
    action: Literal[HookAction.WORKFLOW] = HookAction.WORKFLOW
    secret: HookSigning = None
    rate_limit_per_minute: PerMinute | None = None
    duplicate_guard: DuplicateGuard = DuplicateGuard.OFF
    duplicate_seconds: Window = DEFAULT_WINDOW
    respond: Annotated[bool, Field(description="Answer with the run's output where it ends in time.")] = False
    respond_seconds: Wait = DEFAULT_WAIT


class UpdateHook(_GuardFields):
    """The fields to change; absent ones stay. The slug stays for good."""

    hook_id: HookId
    workflow_id: WorkflowId | None = None
    name: Name | None = None
    status: HookStatus | None = None
    rate_limit_per_minute: PerMinute | None = None
    duplicate_guard: DuplicateGuard | None = None
    duplicate_seconds: Window | None = None
    respond: bool | None = None
    respond_seconds: Wait | None = None


class HookRef(Command):
    """Which hook."""

    hook_id: HookId


class RotateHookSecret(Command):
    """Which hook, and its new secret."""

    hook_id: HookId
    secret: HookSigning = None


class ListHooks(PageQuery):
    """Which hooks, and which page of them."""

    status: HookStatus | None = None
    workflow_id: WorkflowId | None = None


@operation("hooks.create", scope="workflows", effect=Effect.WRITE)
async def create(ctx: Ctx, command: CreateHook) -> HookSecret:
    """Make an address that starts a workflow when it is called; the secret is shown this once."""
    await workflows.get(ctx, workflows.WorkflowRef(workflow_id=command.workflow_id))
    key, slug = HookId.new(), command.slug or new_token("in-")
    secret, values = _signing(ctx, key, command)
    await Hooks(ctx).put(
        key,
        slug=slug,
        name=command.name or slug,
        action=command.action,
        target_id=command.workflow_id,
        status=HookStatus.ACTIVE,
        rate_limit_per_minute=command.rate_limit_per_minute,
        duplicate_guard=command.duplicate_guard,
        duplicate_header=_lower(command.duplicate_header),
        duplicate_seconds=command.duplicate_seconds,
        respond=command.respond,
        respond_seconds=command.respond_seconds,
        created_at=ctx.now,
        updated_at=ctx.now,
        rotated_at=None,
        **values,
    )
    return HookSecret(**dict(await Hooks(ctx).get(key)), secret=secret)


@operation("hooks.get", scope="workflows")
async def get(ctx: Ctx, command: HookRef) -> Hook:
    """Show one hook with its counters, without its secret."""
    return await _counted(ctx, await Hooks(ctx).get(command.hook_id))


@operation("hooks.list", scope="workflows")
async def list_(ctx: Ctx, command: ListHooks) -> Page[Hook]:
    """List the hooks of the workspace, newest first."""
    page = await Hooks(ctx).page(command, {"status": command.status, "target_id": command.workflow_id})
    items = tuple([await _counted(ctx, hook) for hook in page.items])
    return Page(items, page.limit, page.offset, page.total)


@operation("hooks.update", scope="workflows", effect=Effect.WRITE)
async def update(ctx: Ctx, command: UpdateHook) -> Hook:
    """Change a hook, or pause and wake it; a paused one answers as if it were not there."""
    values = changes(command, "hook_id")
    for name, value in values.items():
        if value is None and name not in {"rate_limit_per_minute", "duplicate_header"}:
            raise invalid(f"'{name}' cannot be null; leave it out to keep it.", field=name)
    found = Hooks(ctx)
    await found.get(command.hook_id)
    if command.workflow_id is not None:
        await workflows.get(ctx, workflows.WorkflowRef(workflow_id=command.workflow_id))
        values["target_id"] = values.pop("workflow_id")
    if "duplicate_guard" in values:
        values["duplicate_header"] = _lower(command.duplicate_header)
    return await _counted(ctx, await found.change(command.hook_id, {**values, "updated_at": ctx.now}))


@operation("hooks.delete", scope="workflows", effect=Effect.WRITE)
async def delete(ctx: Ctx, command: HookRef) -> HookId:
    """Remove a hook: its address answers no more, the runs it started stay."""
    hooks = Hooks(ctx)
    await hooks.remove(command.hook_id)
    await hooks.forget(command.hook_id)
    tally, calls = tally_of(ctx.runtime), call_log_of(ctx.runtime)
    ctx.the_unit().after_commit(lambda: tally.forget(command.hook_id))
    ctx.the_unit().after_commit(lambda: calls.forget(command.hook_id))
    return command.hook_id


@operation("hooks.rotate_secret", scope="workflows", effect=Effect.WRITE)
async def rotate_secret(ctx: Ctx, command: RotateHookSecret) -> HookSecret:
    """Replace a hook's secret at once, or open the hook with null; the new secret is shown this once."""
    secret, values = _signing(ctx, command.hook_id, command)
    moments = {"rotated_at": ctx.now, "updated_at": ctx.now}
    hook = await _counted(ctx, await Hooks(ctx).change(command.hook_id, {**values, **moments}))
    return HookSecret(**dict(hook), secret=secret)


def _signing(ctx: Ctx, key: HookId, command: CreateHook | RotateHookSecret) -> tuple[str | None, dict[str, Any]]:
    """The secret to show and the columns that hold it; null asked for by name is an open hook."""
    given: SecretStr | None = command.secret
    if given is None and "secret" in command.model_fields_set:
        return None, {"secret": None, "secret_end": None}
    secret = new_secret() if given is None else given.get_secret_value()
    sealed = ctx.runtime.secrets.encrypt(secret.encode(), purpose=PURPOSE.format(key))
    return secret, {"secret": sealed, "secret_end": secret[-_SHOWN_END:]}


async def _counted(ctx: Ctx, hook: Hook) -> Hook:
    return tally_of(ctx.runtime).added_to(await Hooks(ctx).counted(hook))


def _lower(header: str | None) -> str | None:
    return None if header is None else header.lower()
