"""What every operation gets first: who asks, for which workspace, with which scopes, and the machinery to act."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar
from uuid import uuid4

from interlock.kit.clock import Clock
from interlock.kit.ids import TypedId
from interlock.runtime.changes import Changes
from interlock.runtime.database import Database, Session
from interlock.runtime.secrets import Secrets
from interlock.runtime.settings import Settings
from interlock.runtime.unit_of_work import UnitOfWork

if TYPE_CHECKING:
    from interlock.runtime.durable import Durable
    from interlock.runtime.events import Event, Streams
    from interlock.runtime.http import GuardedHttp
    from interlock.runtime.invoke import AuditWriter, Gate
    from interlock.runtime.jobs import Jobs

LocalT = TypeVar("LocalT")


class WorkspaceId(TypedId):
    """A tenant."""

    prefix: ClassVar[str] = "ws"


class UserId(TypedId):
    """A person."""

    prefix: ClassVar[str] = "user"


class ActorKind(StrEnum):
    """What kind of caller this is."""

    ANONYMOUS = "anonymous"
    USER = "user"
    KEY = "key"
    CLIENT = "mcp_client"
    AGENT = "agent"
    WORKFLOW = "workflow"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks.

    Args:
        kind: what kind of caller.
        id: the caller's own id (key, client, agent, user); None for anonymous and system.
        label: its name for people, copied into evidence.
        user_id: the person who answers for it; the reviewer of an approval.
        session_id: a person's sign-in.
    """

    kind: ActorKind
    id: TypedId | None = None
    label: str = ""
    user_id: UserId | None = None
    session_id: TypedId | None = None


ANONYMOUS = Actor(ActorKind.ANONYMOUS, label="anonymous")
SYSTEM = Actor(ActorKind.SYSTEM, label="interlock")
NO_WORKSPACE = WorkspaceId(int=0)
ALL_SCOPES = frozenset({"*"})


@dataclass(slots=True)
class Runtime:
    """The machinery of one server process, built in main.py and handed down inside every context."""

    settings: Settings
    database: Database
    secrets: Secrets
    clock: Clock
    streams: "Streams"
    jobs: "Jobs"
    durable: "Durable"
    http: "GuardedHttp"
    server: str = field(default_factory=lambda: f"server-{uuid4().hex}")
    gates: tuple["Gate", ...] = ()
    audit: "AuditWriter | None" = None
    changes: Changes = field(default_factory=Changes)
    _locals: dict[object, Any] = field(default_factory=dict)

    def local(self, make: Callable[[], LocalT]) -> LocalT:
        """The one value of this process that `make` (a class or function) builds: caches, breakers, loaded models."""
        if make not in self._locals:
            self._locals[make] = make()
        value: LocalT = self._locals[make]
        return value


@dataclass(frozen=True, slots=True)
class Ctx:
    """First argument of every operation; immutable.

    Args:
        workspace_version: counts changes of the workspace's rules; caches of compiled policies compare it.
        has_ai_access: whether the workspace's plan lets it call models.
        source: where a caller who showed nothing sits, as its face tells it; empty when unknown.
    """

    runtime: Runtime
    actor: Actor
    workspace_id: WorkspaceId
    scopes: frozenset[str]
    request_id: str
    face: str
    unit: UnitOfWork | None = None
    workspace_version: int = 0
    has_ai_access: bool = True
    source: str = ""

    @property
    def now(self) -> datetime:
        """The current instant."""
        return self.runtime.clock.now()

    @property
    def settings(self) -> Settings:
        """The server's settings."""
        return self.runtime.settings

    async def session(self) -> Session:
        """The transaction this call runs in."""
        return await self.the_unit().session()

    def the_unit(self) -> UnitOfWork:
        """The unit of work; calling without one is a programming error."""
        if self.unit is None:
            raise RuntimeError("no unit of work here: open one with ctx.begin()")
        return self.unit

    async def emit(self, event: "Event") -> None:
        """Tell subscribers, once this unit of work is durable."""
        await self.runtime.jobs.publish(self, event)

    def begin(self, *, write: bool = True) -> AbstractAsyncContextManager["Ctx"]:
        """Open a unit of work of its own; commit at the end, undo on any error."""
        return _Unit(self, write=write)

    def inside(self, unit: UnitOfWork) -> "Ctx":
        """The same request, inside a unit of work. Spelt out because `replace` costs as much as a statement."""
        return Ctx(
            self.runtime, self.actor, self.workspace_id, self.scopes, self.request_id, self.face, unit,
            self.workspace_version, self.has_ai_access, self.source,
        )  # fmt: skip

    def acting_as(self, actor: Actor, scopes: frozenset[str]) -> "Ctx":
        """The same request under another identity, outside any unit of work."""
        return replace(self, actor=actor, scopes=scopes, unit=None)


class _Unit:
    """What `Ctx.begin` returns; a class, because a generator costs several times as much."""

    __slots__ = ("_ctx", "_unit")

    def __init__(self, ctx: Ctx, *, write: bool) -> None:
        self._ctx = ctx
        self._unit = UnitOfWork(ctx.runtime.database, write=write)

    async def __aenter__(self) -> Ctx:
        return self._ctx.inside(self._unit)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if kind is not None:
            await self._unit.rollback()
            return
        try:
            await self._unit.commit()
        except BaseException:
            await self._unit.rollback()
            raise
        if self._unit.write and (topics := self._unit.topics()):
            self._ctx.runtime.changes.tell(self._ctx.workspace_id, topics)
