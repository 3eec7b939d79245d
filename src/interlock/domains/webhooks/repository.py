"""Rows of the webhooks domain."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import Row, bindparam, delete, func, insert, or_, select, union, update
from sqlalchemy.exc import IntegrityError

from interlock.domains.webhooks.models import (
    hook_calls,
    hook_counters,
    hook_receipts,
    hooks,
    webhook_deliveries,
    webhook_subscriptions,
)
from interlock.domains.webhooks.states import (
    DELIVERY_LIFECYCLE,
    SUBSCRIPTION_LIFECYCLE,
    CallOutcome,
    DeliveryState,
    SubscriptionStatus,
)
from interlock.domains.webhooks.views import (
    Delivery,
    DeliveryDetail,
    DeliveryId,
    Hook,
    HookCall,
    HookCallDetail,
    HookCallId,
    HookId,
    Subscription,
    SubscriptionId,
)
from interlock.kit.errors import InterlockError, conflict, not_found
from interlock.kit.ids import RunId, WorkflowId
from interlock.kit.paging import ListSpec
from interlock.runtime.context import Ctx, WorkspaceId
from interlock.runtime.kept import Kept
from interlock.runtime.repository import Repository, insert_if_absent

_hooks, _counts, _receipts = hooks.c, hook_counters.c, hook_receipts.c
_BY_SLUG = select(hooks).where(_hooks.slug == bindparam("slug"))
_COUNTS = select(hook_counters).where(_counts.hook_id == bindparam("hook"))
_COUNT_UP = (
    update(hook_counters)
    .where(_counts.hook_id == bindparam("hook"))
    .values(
        accepted=_counts.accepted + bindparam("more_accepted"),
        duplicates=_counts.duplicates + bindparam("more_duplicates"),
        refused=_counts.refused + bindparam("more_refused"),
        last_received_at=bindparam("at"),
    )
    .returning(_counts.id)
)
_FORGET_COUNTS = delete(hook_counters).where(_counts.hook_id == bindparam("hook"))
_FORGET_RECEIPTS = delete(hook_receipts).where(_receipts.hook_id == bindparam("hook"))
_RECEIPT = select(_receipts.run_id, _receipts.received_at).where(
    _receipts.hook_id == bindparam("hook"), _receipts.fingerprint == bindparam("print")
)
_TAKE_OVER = (
    update(hook_receipts)
    .where(
        _receipts.hook_id == bindparam("hook"),
        _receipts.fingerprint == bindparam("print"),
        _receipts.received_at == bindparam("seen"),
    )
    .values(received_at=bindparam("now"), run_id=None)
    .returning(_receipts.id)
)
_FILL = (
    update(hook_receipts)
    .where(_receipts.hook_id == bindparam("hook"), _receipts.fingerprint == bindparam("print"))
    .values(run_id=bindparam("run"))
)
_OLD_RECEIPTS = select(_receipts.id).where(_receipts.received_at < bindparam("before")).limit(bindparam("most"))
_DROP_RECEIPTS = delete(hook_receipts).where(_receipts.id.in_(_OLD_RECEIPTS)).returning(_receipts.id)

_calls = hook_calls.c
_ADD_CALL = insert(hook_calls)
_FORGET_CALLS = delete(hook_calls).where(_calls.hook_id == bindparam("hook"))
_CALL = select(hook_calls).where(
    _calls.guid == bindparam("key"), _calls.hook_id == bindparam("hook"), _calls.workspace_id == bindparam("workspace")
)
_LAST_KEPT = (
    select(_calls.id)
    .where(_calls.hook_id == bindparam("hook"), _calls.outcome == bindparam("of"))
    .order_by(_calls.id.desc())
    .limit(1)
    .offset(bindparam("keep"))
)
_TRIM_CALLS = delete(hook_calls).where(
    _calls.hook_id == bindparam("hook"),
    _calls.outcome == bindparam("of"),
    _calls.id <= _LAST_KEPT.scalar_subquery(),
)
_OLD_CALLS = (
    select(_calls.id)
    .where(_calls.workspace_id == bindparam("workspace"), _calls.received_at < bindparam("before"))
    .limit(bindparam("most"))
)
_DROP_CALLS = delete(hook_calls).where(_calls.id.in_(_OLD_CALLS)).returning(_calls.id)

_subs, _rows = webhook_subscriptions.c, webhook_deliveries.c
_ACTIVE = select(_subs.guid, _subs.events).where(
    _subs.workspace_id == bindparam("workspace"), _subs.status == SubscriptionStatus.ACTIVE
)
_COUNT = select(func.count()).where(_subs.workspace_id == bindparam("workspace"))
_SECRETS = select(_subs.url, _subs.styles, _subs.status, _subs.secret, _subs.former_secret, _subs.rotated_at).where(
    _subs.guid == bindparam("key"), _subs.workspace_id == bindparam("workspace")
)
_ARRIVED = (
    update(webhook_subscriptions)
    .where(_subs.guid == bindparam("key"), _subs.workspace_id == bindparam("workspace"), _subs.dead_in_a_row > 0)
    .values(dead_in_a_row=0)
)
_GIVEN_UP = (
    update(webhook_subscriptions)
    .where(_subs.guid == bindparam("key"), _subs.workspace_id == bindparam("workspace"))
    .values(dead_in_a_row=_subs.dead_in_a_row + 1)
    .returning(_subs.dead_in_a_row, _subs.url, _subs.status)
)
_DISABLE = (
    update(webhook_subscriptions)
    .where(
        _subs.guid == bindparam("key"),
        _subs.workspace_id == bindparam("workspace"),
        or_(*(_subs.status == source for source in SUBSCRIPTION_LIFECYCLE.sources(SubscriptionStatus.DISABLED))),
    )
    .values(status=SubscriptionStatus.DISABLED, status_reason=bindparam("reason"), updated_at=bindparam("now"))
    .returning(_subs.url)
)
_DETAIL = select(webhook_deliveries).where(_rows.guid == bindparam("key"), _rows.workspace_id == bindparam("workspace"))
_DUE = (
    select(webhook_deliveries)
    .where(_rows.state == DeliveryState.PENDING, _rows.next_attempt_at <= bindparam("now"))
    .order_by(_rows.next_attempt_at)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_NEXT = (
    select(_rows.next_attempt_at).where(_rows.state == DeliveryState.PENDING).order_by(_rows.next_attempt_at).limit(1)
)
_LEASE = update(webhook_deliveries).where(_rows.id == bindparam("number")).values(next_attempt_at=bindparam("until"))
_RECORD = (
    update(webhook_deliveries)
    .where(
        _rows.guid == bindparam("key"),
        _rows.workspace_id == bindparam("workspace"),
        _rows.state == DeliveryState.PENDING,
        _rows.attempts == bindparam("seen"),
    )
    .values(
        state=bindparam("new_state"),
        attempts=bindparam("made"),
        log=bindparam("entries"),
        last_status=bindparam("status"),
        last_error=bindparam("error"),
        next_attempt_at=bindparam("next"),
        settled_at=bindparam("settled"),
    )
    .returning(_rows.id)
)
_WORKSPACES = union(select(_rows.workspace_id), select(hooks.c.workspace_id))
_OLD = (
    select(_rows.id)
    .where(_rows.workspace_id == bindparam("workspace"), _rows.created_at < bindparam("before"))
    .where(_rows.state != DeliveryState.PENDING)
    .order_by(_rows.created_at)
    .limit(bindparam("most"))
)
_DROP_OLD = delete(webhook_deliveries).where(_rows.id.in_(_OLD)).returning(_rows.id)


@dataclass(frozen=True, slots=True)
class Audience:
    """A subscription that is told of events, and the globs that say of which."""

    id: SubscriptionId
    events: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery whose next attempt is to be made."""

    id: DeliveryId
    workspace_id: WorkspaceId
    subscription_id: SubscriptionId
    event: str
    body: bytes
    attempts: int
    log: tuple[dict[str, Any], ...]


class Hooks(Repository[Hook]):
    """Hooks of a workspace, newest first."""

    table = hooks
    view = Hook
    thing = "hook"
    listing = ListSpec(filters=frozenset({"status", "target_id"}))

    def to_view(self, row: Row[Any]) -> Hook:
        """The frozen view of a row, without its counters."""
        return hook_of_row(row)

    def clash(self, error: IntegrityError) -> InterlockError | IntegrityError:
        """The only unique value that a caller chooses is the slug."""
        if "unique" not in str(error.orig).lower():
            return error
        return conflict("A hook has this slug already.", field="slug", hint="Choose another, or leave it out.")

    async def put(self, key: HookId, **values: Any) -> None:
        """Write a new hook; raises conflict where the slug is taken."""
        try:
            await (await self.ctx.session()).execute(
                self._insert, {"guid": key, "workspace_id": self.ctx.workspace_id, **values}
            )
        except IntegrityError as error:
            raise self.clash(error) from error

    async def counted(self, hook: Hook) -> Hook:
        """The hook with its counters, as far as they are written."""
        row = (await (await self.ctx.session()).execute(_COUNTS, {"hook": hook.id})).first()
        if row is None:
            return hook
        counts = {
            "accepted": row.accepted,
            "duplicates": row.duplicates,
            "refused": row.refused,
            "last_received_at": row.last_received_at,
        }
        return hook.model_copy(update=counts)

    async def forget(self, key: HookId) -> None:
        """Drop what is kept beside a hook."""
        session = await self.ctx.session()
        for statement in (_FORGET_COUNTS, _FORGET_RECEIPTS, _FORGET_CALLS):
            await session.execute(statement, {"hook": key})

    async def seen(self, key: HookId, fingerprint: str, window: timedelta) -> RunId | None:
        """The run that an earlier call of the same content started within the window.

        None makes the caller the first: it starts a run and names it by `started`, in the same unit of work.
        """
        row = {"workspace_id": self.ctx.workspace_id, "hook_id": key, "fingerprint": fingerprint, "run_id": None}
        if await insert_if_absent(self.ctx, hook_receipts, {**row, "received_at": self.ctx.now}):
            return None
        session = await self.ctx.session()
        known = {"hook": key, "print": fingerprint}
        earlier = (await session.execute(_RECEIPT, known)).one()
        if earlier.received_at < self.ctx.now - window:
            taken = await session.execute(_TAKE_OVER, {**known, "seen": earlier.received_at, "now": self.ctx.now})
            if taken.first() is not None:
                return None
            earlier = (await session.execute(_RECEIPT, known)).one()
        found: RunId | None = earlier.run_id
        return found

    async def started(self, key: HookId, fingerprint: str, run_id: RunId) -> None:
        """Name the run that the first call of its content started."""
        parameters = {"hook": key, "print": fingerprint, "run": run_id}
        await (await self.ctx.session()).execute(_FILL, parameters)


def hook_of_row(row: Row[Any]) -> Hook:
    """The view of a hook's row."""
    values = dict(row._mapping)
    return Hook.model_validate(
        {
            **values,
            "id": values["guid"],
            "number": values["id"],
            "workflow_id": WorkflowId.of(values["target_id"]),
            "has_secret": values["secret"] is not None,
        }
    )


async def hook_by_slug(ctx: Ctx, slug: str) -> Row[Any] | None:
    """The row of any workspace's hook."""
    return (await (await ctx.session()).execute(_BY_SLUG, {"slug": slug})).first()


async def add_counts(ctx: Ctx, key: HookId, counts: Mapping[str, Any]) -> None:
    """Add to a hook's counters.

    Args:
        ctx: in a writing unit of work, of the hook's workspace.
        counts: `accepted`, `duplicates` and `refused` to add, and `at`, the last call's moment.
    """
    more = {"hook": key, "at": counts["at"]}
    more |= {f"more_{name}": counts[name] for name in ("accepted", "duplicates", "refused")}
    session = await ctx.session()
    if (await session.execute(_COUNT_UP, more)).first() is None:
        names = ("accepted", "duplicates", "refused")
        row = {"workspace_id": ctx.workspace_id, "hook_id": key, "last_received_at": counts["at"]}
        if not await insert_if_absent(ctx, hook_counters, {**row, **{name: counts[name] for name in names}}):
            await session.execute(_COUNT_UP, more)  # another server was first


async def drop_receipts(ctx: Ctx, before: datetime, most: int) -> int:
    """Delete some receipts of all workspaces from before a moment; tells how many."""
    return len((await (await ctx.session()).execute(_DROP_RECEIPTS, {"before": before, "most": most})).all())


class HookCalls(Repository[HookCall]):
    """Calls that hooks have received, newest first."""

    table = hook_calls
    view = HookCall
    thing = "received call"
    listing = ListSpec(filters=frozenset({"hook_id", "outcome"}))

    async def detail(self, hook_id: HookId, key: HookCallId) -> HookCallDetail:
        """A call of this very hook with headers and body; raises not_found."""
        parameters = {"key": key, "hook": hook_id, "workspace": self.ctx.workspace_id}
        row = (await (await self.ctx.session()).execute(_CALL, parameters)).first()
        if row is None:
            raise not_found(self.thing, key)
        return HookCallDetail.model_validate({**dict(row._mapping), "id": row.guid, "number": row.id})

    async def drop_before(self, moment: datetime, most: int) -> int:
        """Delete some of the workspace's calls from before a moment; tells how many."""
        parameters = {"workspace": self.ctx.workspace_id, "before": moment, "most": most}
        return len((await (await self.ctx.session()).execute(_DROP_CALLS, parameters)).all())


async def add_calls(ctx: Ctx, rows: list[dict[str, Any]]) -> None:
    """Note received calls.

    Args:
        rows: whole ones, of the context's workspace.
    """
    await (await ctx.session()).execute_long(_ADD_CALL, rows)


async def trim_calls(ctx: Ctx, key: HookId, keep: Mapping[CallOutcome, int]) -> None:
    """Delete a hook's oldest calls beyond so many of each outcome."""
    session = await ctx.session()
    for outcome, most in keep.items():
        await session.execute(_TRIM_CALLS, {"hook": key, "of": outcome, "keep": most})


class Subscriptions(Repository[Subscription]):
    """Subscriptions of a workspace, newest first."""

    table = webhook_subscriptions
    view = Subscription
    thing = "webhook subscription"
    listing = ListSpec(filters=frozenset({"status"}))

    async def count(self) -> int:
        """How many there are in the workspace."""
        counted: int = (
            await (await self.ctx.session()).execute(_COUNT, {"workspace": self.ctx.workspace_id})
        ).scalar_one()
        return counted

    async def with_secrets(self, key: SubscriptionId) -> Row[Any] | None:
        """Where and how a subscription is told; None when it is gone."""
        parameters = {"key": key, "workspace": self.ctx.workspace_id}
        return (await (await self.ctx.session()).execute(_SECRETS, parameters)).first()

    async def arrived(self, key: SubscriptionId) -> None:
        """Note that a delivery got through; writes only where others had not."""
        parameters = {"key": key, "workspace": self.ctx.workspace_id}
        await (await self.ctx.session()).execute(_ARRIVED, parameters)

    async def given_up(self, key: SubscriptionId) -> Row[Any] | None:
        """Note that a delivery was given up; how many that makes in a row."""
        parameters = {"key": key, "workspace": self.ctx.workspace_id}
        return (await (await self.ctx.session()).execute(_GIVEN_UP, parameters)).first()

    async def disable(self, key: SubscriptionId, reason: str) -> str | None:
        """Stop telling a subscription; its address when that is news, None when it was disabled or is gone."""
        parameters = {"key": key, "workspace": self.ctx.workspace_id, "reason": reason[:500], "now": self.ctx.now}
        row = (await (await self.ctx.session()).execute(_DISABLE, parameters)).first()
        return None if row is None else row.url


class Deliveries(Repository[Delivery]):
    """Deliveries of a workspace, newest first."""

    table = webhook_deliveries
    view = Delivery
    thing = "delivery"
    listing = ListSpec(filters=frozenset({"subscription_id", "state", "event"}))

    async def put(self, key: DeliveryId, **values: Any) -> bool:
        """Note what is to be told; False when the subscription has this very news on record."""
        row = {"guid": key, "workspace_id": self.ctx.workspace_id, **values}
        return await insert_if_absent(self.ctx, webhook_deliveries, row)

    async def detail(self, key: DeliveryId) -> DeliveryDetail:
        """A delivery with what was sent and every attempt; raises not_found."""
        parameters = {"key": key, "workspace": self.ctx.workspace_id}
        row = (await (await self.ctx.session()).execute(_DETAIL, parameters)).first()
        if row is None:
            raise not_found(self.thing, key)
        return DeliveryDetail.model_validate(
            {**dict(self.to_view(row)), "payload": orjson.loads(row.body), "log": row.log}
        )

    async def move(self, seen: Delivery, state: DeliveryState, **values: Any) -> Delivery:
        """Change a delivery, if it still stands as it was seen; a conflict otherwise."""
        DELIVERY_LIFECYCLE.check(seen.state, state)
        unchanged = [_rows.state == seen.state, _rows.attempts == seen.attempts]
        return await self.change(seen.id, {"state": state, **values}, where=unchanged)

    async def record(self, due: Due, **values: Any) -> bool:
        """Write down an attempt; False when somebody else has made one meanwhile."""
        parameters = {"key": due.id, "workspace": self.ctx.workspace_id, "seen": due.attempts, **values}
        return (await (await self.ctx.session()).execute(_RECORD, parameters)).first() is not None

    async def drop_before(self, moment: datetime, most: int) -> int:
        """Delete some of the workspace's settled deliveries from before a moment; tells how many."""
        parameters = {"workspace": self.ctx.workspace_id, "before": moment, "most": most}
        return len((await (await self.ctx.session()).execute(_DROP_OLD, parameters)).all())


async def audiences(ctx: Ctx) -> tuple[Audience, ...]:
    """The subscriptions of the workspace that are told of events, from memory where nothing has changed."""
    return await ctx.runtime.local(_known_audiences).get(ctx, ctx.workspace_id, _read_audiences)


def _known_audiences() -> Kept[WorkspaceId, tuple[Audience, ...]]:
    return Kept(webhook_subscriptions)


async def _read_audiences(ctx: Ctx) -> tuple[Audience, ...]:
    rows = await (await ctx.session()).execute(_ACTIVE, {"workspace": ctx.workspace_id})
    return tuple(Audience(row.guid, tuple(row.events)) for row in rows)


async def due(ctx: Ctx, most: int, besides: Collection[SubscriptionId]) -> list[Row[Any]]:
    """Deliveries of all workspaces whose time has come, those due longest first.

    Args:
        besides: subscriptions that have enough under way.
    """
    statement = _DUE.where(_rows.subscription_id.not_in(besides)) if besides else _DUE
    return list((await (await ctx.session()).execute(statement, {"now": ctx.now, "most": most})).all())


async def next_due(ctx: Ctx, besides: Collection[SubscriptionId]) -> datetime | None:
    """When the next delivery of any workspace is due."""
    statement = _NEXT.where(_rows.subscription_id.not_in(besides)) if besides else _NEXT
    found: datetime | None = (await (await ctx.session()).execute(statement)).scalar()
    return found


async def lease(ctx: Ctx, rows: Iterable[Row[Any]], until: datetime) -> None:
    """Put deliveries off while their attempts are made: those of a server that dies come back by themselves."""
    session = await ctx.session()
    for row in rows:
        await session.execute(_LEASE, {"number": row.id, "until": until})


def as_due(row: Row[Any]) -> Due:
    """A row as the courier works on it."""
    return Due(
        id=row.guid,
        workspace_id=row.workspace_id,
        subscription_id=row.subscription_id,
        event=row.event,
        body=row.body.encode(),
        attempts=row.attempts,
        log=tuple(row.log),
    )


async def workspaces_with_logs(ctx: Ctx) -> list[WorkspaceId]:
    """Every workspace that has a delivery or a hook."""
    return list((await (await ctx.session()).execute_long(_WORKSPACES)).scalars())
