"""The AI registry: what other domains tell it, what people read of it, and assessing a system by hand."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy.sql import ColumnElement

from interlock.domains.governance.ledger import service as ledger
from interlock.domains.governance.ledger.views import EntryEvent, NewEntry
from interlock.domains.governance.policies.views import RiskLevel
from interlock.domains.governance.registry.errors import reason_missing
from interlock.domains.governance.registry.models import ai_systems
from interlock.domains.governance.registry.repository import AiSystems
from interlock.domains.governance.registry.standing import level_of_caller
from interlock.domains.governance.registry.states import SystemKind
from interlock.domains.governance.registry.views import AiSystem, Observed, Period, SystemDetail, SystemId
from interlock.domains.governance.registry.weighing import footprints, rules_of, weigh, weighed
from interlock.domains.governance.risk.views import DataClass, Dimension
from interlock.domains.org import service as org
from interlock.kit.operations import Audit, Command, Effect, operation
from interlock.kit.paging import Page, PageQuery
from interlock.runtime.context import Ctx, Runtime, UserId

__all__ = ["NoteSystem", "level_of_caller"]

Score = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
Tag = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[^\x00]*[^\s\x00][^\x00]*$")]
Reason = Annotated[
    str, Field(min_length=1, max_length=2_000, pattern=r"^[^\x00]*[^\s\x00][^\x00]*$", description="Kept as evidence.")
]


@dataclass(frozen=True, slots=True)
class NoteSystem:
    """A system as the domain that owns it knows it.

    Args:
        subject: its own id as text, or the name it is known by; one of a kind.
        tools: names, namespaces and globs it may use; None for everything.
        data: sensitive data that it is known to touch.
    """

    kind: SystemKind
    subject: str
    name: str
    owner_id: UserId | None = None
    tools: tuple[str, ...] | None = ()
    resources: dict[str, tuple[str, ...]] | None = None
    data: tuple[DataClass, ...] = ()


Source = Callable[[Ctx], Awaitable[Sequence[NoteSystem]]]


class Sources:
    """Who can name all systems of a kind: asked once for a workspace that the registry meets for the first time."""

    def __init__(self) -> None:
        self.all: list[Source] = []


def tell(runtime: Runtime, *sources: Source) -> None:
    """Hand down who can name systems; each is called without a unit of work."""
    runtime.local(Sources).all.extend(sources)


class ListSystems(PageQuery):
    """Which systems, and which page of them."""

    kind: SystemKind | None = None
    risk: RiskLevel | None = None
    owner: UserId | None = None
    active: Annotated[Period | None, Field(description="Active within so many days.")] = None
    removed: Annotated[bool, Field(description="Those that are gone, instead of those that are there.")] = False


class SystemRef(Command):
    """Which system."""

    system_id: SystemId


class AssessSystem(Command):
    """Which system to weigh again, and what a person knows better; null takes an override back."""

    system_id: SystemId
    overrides: Annotated[
        dict[Dimension, Score | None], Field(description="Scores by dimension, in place of the computed ones.")
    ] = Field(default_factory=dict)
    tags: Annotated[tuple[Tag, ...] | None, Field(max_length=50, description="Regulatory tags; absent ones stay.")] = (
        None
    )
    reason: Reason | None = None


async def note(ctx: Ctx, new: NoteSystem) -> AiSystem:
    """Register a system, or what has changed about it, in the caller's unit of work; its risk is weighed at once."""
    systems = AiSystems(ctx)
    current = await systems.of_subject(new.kind, new.subject)
    facts: dict[str, Any] = {
        "name": new.name[:200],
        "tools": None if new.tools is None else list(new.tools),
        "resources": {name: list(globs) for name, globs in (new.resources or {}).items()},
        "removed_at": None,
    }
    if new.owner_id is not None:
        facts["owner_id"] = new.owner_id
    if current is None:
        await systems.insert({**_unweighed(ctx, new), **facts})
        current = await systems.of_subject(new.kind, new.subject)
        if current is None:
            raise LookupError("an AI system that was just registered is gone")
    else:
        data = sorted({*current.data, *new.data})
        current = await systems.change(current.id, {**facts, "data": data, "updated_at": ctx.now})
    return await weigh(ctx, current)


def _unweighed(ctx: Ctx, new: NoteSystem) -> dict[str, Any]:
    """The columns of a system before anybody looked at it."""
    return {
        "kind": new.kind,
        "subject": new.subject,
        "owner_id": new.owner_id,
        "data": sorted(new.data),
        "tags": [],
        "observed": Observed().model_dump(mode="json"),
        "overrides": {},
        "score": 0.0,
        "level": RiskLevel.LOW,
        "flagged": False,
        "assessed_at": ctx.now,
        "active_at": None,
        "created_at": ctx.now,
        "updated_at": ctx.now,
    }


async def note_removed(ctx: Ctx, kind: SystemKind, subject: str) -> None:
    """Take a system off the inventory; its record and evidence stay."""
    systems = AiSystems(ctx)
    current = await systems.of_subject(kind, subject)
    if current is None or current.removed_at is not None:
        return
    await systems.change(current.id, {"removed_at": ctx.now, "updated_at": ctx.now})
    if current.level.rank >= RiskLevel.HIGH.rank:
        await org.rules_changed(ctx)


async def find(ctx: Ctx, kind: SystemKind, subject: str) -> AiSystem | None:
    """A system by the name its calls go by; None while it was never seen."""
    return await AiSystems(ctx).of_subject(kind, subject)


@operation("registry.list")
async def list_(ctx: Ctx, command: ListSystems) -> Page[AiSystem]:
    """List the workspace's AI systems, newest first: by kind, risk, owner, or recent activity."""
    columns = ai_systems.c
    gone = columns.removed_at.is_not(None) if command.removed else columns.removed_at.is_(None)
    wanted: list[ColumnElement[bool]] = [columns.workspace_id == ctx.workspace_id, gone]
    exact = {"kind": command.kind, "level": command.risk, "owner_id": command.owner}
    wanted += [columns[name] == value for name, value in exact.items() if value is not None]
    if command.active is not None:
        wanted.append(columns.active_at >= ctx.now - timedelta(days=int(command.active)))
    return await AiSystems(ctx).page_where(command, wanted)


@operation("registry.get")
async def get(ctx: Ctx, command: SystemRef) -> SystemDetail:
    """Show one AI system: scope, owner, four risk scores with their reasons, and its footprint in the ledger."""
    return await _detail(ctx, await AiSystems(ctx).get(command.system_id))


@operation("registry.assess", scope="admin", effect=Effect.WRITE, audit=Audit.LEDGER)
async def assess_system(ctx: Ctx, command: AssessSystem) -> SystemDetail:
    """Weigh an AI system again now, with scores or tags that a person sets, and put that on record."""
    systems = AiSystems(ctx)
    before = await systems.get(command.system_id)
    overrides = {**before.overrides, **command.overrides}
    kept = {dimension.value: score for dimension, score in overrides.items() if score is not None}
    tags = before.tags if command.tags is None else tuple(sorted(set(command.tags)))
    if command.reason is None and (command.overrides or command.tags is not None):
        raise reason_missing()
    current = await systems.change(before.id, {"overrides": kept, "tags": list(tags)})
    detail = await _detail(ctx, await weigh(ctx, current))
    await ledger.record(
        ctx,
        NewEntry(
            event=EntryEvent.RISK,
            caller_kind=ctx.actor.kind,
            caller_id=ctx.actor.id,
            caller_label=ctx.actor.label,
            reason=command.reason,
            extra={
                "system_id": str(before.id),
                "subject": before.subject,
                "overrides": {name: str(score) for name, score in kept.items()},
                "tags": list(tags),
                "before": {"score": str(before.score), "level": before.level},
                "after": {"score": str(detail.score), "level": detail.level},
            },
        ),
    )
    return detail


async def _detail(ctx: Ctx, system: AiSystem) -> SystemDetail:
    rules = await rules_of(ctx)
    footprint = await footprints(ctx, system)
    assessment = await weighed(ctx, system, rules, footprint[Period.WEEK])
    # What is in force stays in front: the list and verdicts go by it until the next weighing.
    return SystemDetail(**dict(system), assessment=assessment, threshold=rules.threshold, footprint=footprint)
