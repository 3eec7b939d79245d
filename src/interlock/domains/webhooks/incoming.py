"""A call from outside, before it starts anything: which hook it is for, whether it is signed, what it says."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from interlock.domains.webhooks import repository
from interlock.domains.webhooks.models import hooks
from interlock.domains.webhooks.states import DuplicateGuard, HookStatus
from interlock.domains.webhooks.views import HookId
from interlock.kit.errors import InterlockError, Kind, malformed, not_found, unauthenticated
from interlock.kit.ids import WorkflowId
from interlock.kit.json_text import parse_json
from interlock.kit.signatures import STANDARD_SIGNATURE, check_plain, check_standard
from interlock.runtime.context import Ctx, WorkspaceId
from interlock.runtime.kept import Kept
from interlock.runtime.rate_limit import limiter_for

PURPOSE = "hook:{}"
NOT_AN_OBJECT = "body"
# One scheme under three names: this system's own, GitHub's, and the one for senders written for Stratam.
PLAIN_HEADERS = ("x-stryda-signature", "x-hub-signature-256", "x-stratam-signature")


@dataclass(frozen=True, slots=True)
class Door:
    """What a call needs to know of its hook; kept in memory."""

    id: HookId
    workspace_id: WorkspaceId
    workflow_id: WorkflowId
    slug: str
    secret: str | None = field(repr=False)
    rate_limit_per_minute: int | None
    guard: DuplicateGuard
    guard_header: str | None
    window: timedelta
    respond_seconds: int | None


async def door(ctx: Ctx, slug: str) -> Door:
    """The hook with a slug, whosever it is; not_found where there is none or it is paused."""
    found = await ctx.runtime.local(_known_doors).get(ctx, slug, partial(_read_door, slug))
    if found is None:
        raise not_found("hook", slug)
    return found


def _known_doors() -> Kept[str, Door | None]:
    return Kept(hooks)


async def _read_door(slug: str, ctx: Ctx) -> Door | None:
    row = await repository.hook_by_slug(ctx, slug)
    if row is None or row.status is not HookStatus.ACTIVE:
        return None
    secret = None
    if row.secret is not None:
        secret = ctx.runtime.secrets.decrypt(row.secret, purpose=PURPOSE.format(row.guid)).decode()
    return Door(
        id=row.guid,
        workspace_id=row.workspace_id,
        workflow_id=WorkflowId.of(row.target_id),
        slug=slug,
        secret=secret,
        rate_limit_per_minute=row.rate_limit_per_minute,
        guard=row.duplicate_guard,
        guard_header=row.duplicate_header,
        window=timedelta(seconds=row.duplicate_seconds),
        respond_seconds=row.respond_seconds if row.respond else None,
    )


async def require_room(ctx: Ctx, hook: Door) -> None:
    """Refuse a call beyond the hook's own limit per minute."""
    if hook.rate_limit_per_minute is None:
        return
    state = await limiter_for(ctx.runtime).hit(f"hook:{hook.id}", hook.rate_limit_per_minute)
    if state.exceeded:
        raise InterlockError(
            Kind.RATE_LIMITED,
            f"This hook takes {state.limit} calls a minute.",
            data={"limit": state.limit, "retry_after": state.retry_after},
            hint=f"Wait {state.retry_after} seconds.",
        )


def check_signature(hook: Door, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Refuse a call whose exact bytes are not signed with the hook's secret; without a secret every call passes.

    Args:
        headers: names in lower case.
    """
    if hook.secret is None:
        return
    for name in PLAIN_HEADERS:
        if name in headers:
            check_plain(headers[name], body, hook.secret)
            return
    if STANDARD_SIGNATURE in headers:
        check_standard(headers, body, hook.secret, now)
        return
    raise unauthenticated(
        "This hook takes signed calls only.",
        hint="Send X-Stryda-Signature: 'sha256=' and the hex HMAC-SHA256 of the exact bytes of the body.",
    )


def input_of(body: bytes, max_depth: int) -> dict[str, Any]:
    """The body as a workflow's input; an array or a plain value becomes the field `body`."""
    if not body.strip():
        raise malformed("The body is empty.", hint="Send JSON.")
    value = parse_json(body, max_depth=max_depth)
    return value if isinstance(value, dict) else {NOT_AN_OBJECT: value}


def fingerprint(hook: Door, headers: Mapping[str, str], body: bytes) -> str | None:
    """What tells this call from others, for the hook's guard; None where it has none."""
    if hook.guard is DuplicateGuard.OFF:
        return None
    if hook.guard is DuplicateGuard.BODY:
        return hashlib.sha256(body).hexdigest()
    value = headers.get(hook.guard_header or "", "").strip()
    if not value:
        raise malformed(
            f"The header '{hook.guard_header}' is missing: by it this hook tells that a call was made before.",
            hint="Send it, the same for every attempt.",
        )
    return hashlib.sha256(value.encode()).hexdigest()
