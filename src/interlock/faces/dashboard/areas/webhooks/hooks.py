"""Hooks: addresses that start a workflow when they are called, and the log of their calls."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from interlock.domains.webhooks.service import calls, hooks
from interlock.domains.webhooks.states import CallOutcome, DuplicateGuard
from interlock.domains.webhooks.views import Hook, HookSecret
from interlock.domains.workflows import service as workflows
from interlock.domains.workflows.states import WorkflowStatus
from interlock.faces.dashboard.fields import flags, given, or_null, query_without
from interlock.faces.dashboard.refusals import Problems, problems_of
from interlock.faces.dashboard.render import go, html
from interlock.faces.dashboard.routing import action, page
from interlock.faces.dashboard.visits import Visit
from interlock.kit.errors import InterlockError
from interlock.kit.paging import MAXIMUM_LIMIT

_FIELDS = ("name", "slug", "workflow_id", "rate_limit_per_minute", "duplicate_guard", "duplicate_header", "respond")
_GUARDS = [
    (DuplicateGuard.OFF.value, "takes every call"),
    (DuplicateGuard.BODY.value, "by the body: the same body once a day"),
    (DuplicateGuard.HEADER.value, "by a header, such as an event's id"),
]


async def index(visit: Visit) -> Response:
    """All hooks."""
    return html(visit, "webhooks/index.html", **await _listed(visit))


async def listing(visit: Visit) -> Response:
    """The table by itself."""
    return html(visit, "webhooks/_hooks.html", **await _listed(visit))


async def new(visit: Visit) -> Response:
    """The form of a new hook."""
    return await _form(visit, None, {"duplicate_guard": DuplicateGuard.OFF.value, **visit.query})


async def create(visit: Visit) -> Response:
    """Make a hook; its secret is shown on this reply and nowhere else."""
    form = await visit.form()
    try:
        values = _values(form) | given(form, "slug")
        if form.get("open") == "true":
            values["secret"] = None
        made = await visit.call(hooks.create, visit.command(hooks.CreateHook, values))
    except InterlockError as error:
        return await _form(visit, None, form, problems_of(error))
    return _secret(visit, made, "The hook is ready")


async def edit(visit: Visit) -> Response:
    """The form of a hook."""
    hook = await _hook(visit)
    values = {name: getattr(hook, name) for name in _FIELDS}
    shown = {name: "" if value is None else str(getattr(value, "value", value)) for name, value in values.items()}
    return await _form(visit, hook, {**shown, "respond": "true" if hook.respond else ""})


async def update(visit: Visit) -> Response:
    """Change a hook."""
    hook, form = await _hook(visit), await visit.form()
    try:
        values = {**_values(form), **or_null(form, "rate_limit_per_minute")}
        await visit.call(hooks.update, visit.command(hooks.UpdateHook, values, "hook_id"))
    except InterlockError as error:
        return await _form(visit, hook, form, problems_of(error))
    return go(visit, f"/webhooks/hooks/{hook.id}", said="Changed.")


async def show(visit: Visit) -> Response:
    """One hook, how to call it, and its calls."""
    return html(visit, "webhooks/hook.html", **await _one(visit))


async def log(visit: Visit) -> Response:
    """The log of calls by itself."""
    return html(visit, "webhooks/_calls.html", **await _one(visit))


async def call(visit: Visit) -> Response:
    """One received call."""
    command = visit.command(calls.CallRef, {}, "hook_id", "call_id")
    hook, found = await _hook(visit), await visit.call(calls.get_call, command)
    return html(visit, "webhooks/call.html", hook=hook, call=found)


async def replay(visit: Visit) -> Response:
    """Make a call again."""
    command = visit.command(calls.CallRef, {}, "hook_id", "call_id")
    made = await visit.call(calls.replay_call, command)
    return go(visit, f"/webhooks/hooks/{made.hook_id}/calls/{made.id}", said="Made again: the workflow has started.")


async def switch(visit: Visit) -> Response:
    """Pause a hook, or wake it."""
    wanted = (await visit.form()).get("status", "")
    command = visit.command(hooks.UpdateHook, {"status": wanted}, "hook_id")
    hook = await visit.call(hooks.update, command)
    said = "It answers calls again." if wanted == "active" else "It answers as if it were not there."
    return go(visit, f"/webhooks/hooks/{hook.id}", said=said)


async def rotate(visit: Visit) -> Response:
    """Give a hook a new secret, or none."""
    values = {"secret": None} if (await visit.form()).get("open") == "true" else {}
    made = await visit.call(hooks.rotate_secret, visit.command(hooks.RotateHookSecret, values, "hook_id"))
    return _secret(visit, made, "The old secret is dead")


async def delete(visit: Visit) -> Response:
    """Remove a hook."""
    await visit.call(hooks.delete, visit.command(hooks.HookRef, {}, "hook_id"))
    return go(visit, "/webhooks", said="The hook is gone; the runs it started stay.")


async def _hook(visit: Visit) -> Hook:
    return await visit.call(hooks.get, visit.command(hooks.HookRef, {}, "hook_id"))


async def _listed(visit: Visit) -> dict[str, Any]:
    query = {name: value for name, value in visit.query.items() if name == "offset"}
    found = await visit.call(hooks.list_, visit.command(hooks.ListHooks, {**query, "limit": 50}))
    return {"found": found, "targets": await _targets(visit), "onward": query_without(query, "offset")}


async def _one(visit: Visit) -> dict[str, Any]:
    hook = await _hook(visit)
    query = {name: value for name, value in visit.query.items() if name in {"outcome", "offset"}}
    wanted = visit.command(calls.ListCalls, {**query, "hook_id": hook.id, "limit": 25})
    return {
        "hook": hook,
        "found": await visit.call(calls.calls, wanted),
        "wanted": wanted,
        "outcomes": tuple(CallOutcome),
        "targets": await _targets(visit),
        "address": _address(visit, hook),
        "example": _example(visit, hook, None),
        "onward": query_without(query, "offset"),
        "shown": query_without(query),
    }


async def _targets(visit: Visit, *, only_ready: bool = False) -> dict[str, str]:
    ready = WorkflowStatus.PUBLISHED if only_ready else None
    found = await visit.call(workflows.list_, workflows.ListWorkflows(status=ready, limit=MAXIMUM_LIMIT))
    return {str(workflow.id): workflow.name for workflow in found.items}


async def _form(
    visit: Visit, hook: Hook | None, values: Mapping[str, str], problems: Problems | None = None
) -> Response:
    targets = await _targets(visit, only_ready=True)
    chosen = values.get("workflow_id", "")
    if chosen and chosen not in targets:
        targets[chosen] = "(not published, or not there any more)"
    return html(
        visit,
        "webhooks/hook_form.html",
        status=422 if problems else 200,
        hook=hook,
        values={**dict.fromkeys((*_FIELDS, "open"), ""), **values},
        problems=problems or Problems(),
        targets=targets,
        guards=_GUARDS,
    )


def _values(form: Mapping[str, str]) -> dict[str, Any]:
    values = given(form, "name", "workflow_id", "rate_limit_per_minute", "duplicate_guard")
    if values.get("duplicate_guard") == DuplicateGuard.HEADER.value:
        values |= given(form, "duplicate_header")
    return values | flags(form, "respond")


def _secret(visit: Visit, made: HookSecret, title: str) -> Response:
    example = _example(visit, made, made.secret)
    return html(
        visit, "webhooks/hook_secret.html", hook=made, title=title, address=_address(visit, made), example=example
    )


def _address(visit: Visit, hook: Hook) -> str:
    return f"{visit.ctx.settings.base_url}/hooks/{hook.slug}"


def _example(visit: Visit, hook: Hook, secret: str | None) -> str:
    """Lines for a shell that make a call; with the secret they work as they are."""
    lines = ['BODY=\'{"order": "NW-10482"}\'']
    signature = ""
    if hook.has_secret:
        lines.insert(0, f"SECRET='{secret or 'the secret that was shown once'}'")
        signature = (
            '  -H "X-Stryda-Signature: sha256=$(printf %s "$BODY"'
            ' | openssl dgst -sha256 -hmac "$SECRET" | sed \'s/^.* //\')" \\\n'
        )
    lines.append(
        f"curl -sS '{_address(visit, hook)}' \\\n  -H 'Content-Type: application/json' \\\n{signature}"
        '  --data-binary "$BODY"'
    )
    return "\n".join(lines)


ROUTES = (
    page("/webhooks", index),
    page("/webhooks/hooks/list", listing),
    page("/webhooks/hooks/new", new),
    action("/webhooks/hooks/new", create),
    page("/webhooks/hooks/{hook_id}", show),
    page("/webhooks/hooks/{hook_id}/calls", log),
    page("/webhooks/hooks/{hook_id}/calls/{call_id}", call),
    action("/webhooks/hooks/{hook_id}/calls/{call_id}/replay", replay),
    page("/webhooks/hooks/{hook_id}/edit", edit),
    action("/webhooks/hooks/{hook_id}/edit", update),
    action("/webhooks/hooks/{hook_id}/switch", switch),
    action("/webhooks/hooks/{hook_id}/rotate", rotate),
    action("/webhooks/hooks/{hook_id}/delete", delete),
)
