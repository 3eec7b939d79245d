"""A unit of work: opened lazily, committed once at the edge; events and jobs leave with it or not at all."""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar

from sqlalchemy import Table
from sqlalchemy.sql import FromClause

from interlock.kit.errors import InterlockError, Kind
from interlock.runtime.changes import EVERYTHING
from interlock.runtime.database import Database, Session, Stamp

AfterCommit = Callable[[], None]
BeforeCommit = Callable[[Session], Awaitable[None]]

_current: ContextVar["UnitOfWork | None"] = ContextVar("interlock_unit_of_work", default=None)


class UnitOfWork:
    """One transaction and what must happen with it."""

    def __init__(self, database: Database, *, write: bool) -> None:
        self._database = database
        self._session: Session | None = None
        self._after: list[AfterCommit] = []
        self._before: list[BeforeCommit] = []
        self._changed: set[FromClause | None] = set()
        self.write = write
        self.streams: set[str] = set()

    @property
    def is_open(self) -> bool:
        """Whether a transaction is held right now."""
        return self._session is not None

    async def session(self) -> Session:
        """The transaction, begun at first use."""
        if self._session is None:
            outer = _current.get()
            if outer is not None and outer.is_open:
                raise RuntimeError(
                    "a unit of work is already open in this task; use its context instead of a second one"
                )
            self._session = await self._database.begin(write=self.write)
            _current.set(self)
        return self._session

    def stamp(self, *tables: Table) -> Stamp | None:
        """`Database.stamp`, for what this unit of work sees; costs no transaction."""
        return (self._session or self._database).stamp(*tables)

    def before_commit(self, action: BeforeCommit) -> None:
        """Run an action inside the transaction, just before it commits."""
        self._before.append(action)

    def after_commit(self, action: AfterCommit) -> None:
        """Run a quick, non-failing action once the transaction is durable; nothing runs after a rollback."""
        self._after.append(action)

    def topics(self) -> frozenset[str]:
        """The names of the tables and streams that were changed, once that is durable."""
        tables = (str(table.name) if isinstance(table, Table) else EVERYTHING for table in self._changed)
        return frozenset((*tables, *self.streams))

    async def commit(self) -> None:
        """Commit what was opened, then release what waited for it."""
        for action in self._before:
            await action(await self.session())
        if self._session is not None:
            session, self._session = self._session, None
            await session.commit()
            self._changed = session.changed
        for release in self._after:
            release()

    async def rollback(self) -> None:
        """Undo everything; nothing leaves."""
        if self._session is not None:
            session, self._session = self._session, None
            await session.rollback()


def forbid_network_inside() -> None:
    """Raise when the running task holds a transaction: a slow peer would hold every writer."""
    unit = _current.get()
    if unit is not None and unit.is_open:
        raise InterlockError(Kind.INTERNAL, "Network use while a unit of work is open.", code="network_in_unit_of_work")
