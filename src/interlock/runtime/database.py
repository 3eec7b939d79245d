"""One asynchronous session interface over SQLite (statements on the loop's own thread) and PostgreSQL (asyncpg).

Why not aiosqlite: its two thread hops cost more than the statement (docs/decisions/0002-data-layer.md has the figures).
"""

import asyncio
import sqlite3
import time
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import orjson
from sqlalchemy import Connection, CursorResult, Engine, Table, create_engine, event, text
from sqlalchemy.exc import DBAPIError, OperationalError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import NullPool
from sqlalchemy.sql import Executable, FromClause
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.selectable import SelectBase

from interlock.kit.errors import InterlockError, Kind
from interlock.kit.json_text import without_nul
from interlock.runtime.lazy import lazy
from interlock.runtime.prepared import PreparedRows, Preparer, Rows
from interlock.runtime.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy.ext import asyncio as sqlalchemy_asyncio
else:
    sqlalchemy_asyncio = lazy("sqlalchemy.ext.asyncio")  # it loads the whole ORM; only PostgreSQL needs it

Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]] | None
Stamp = tuple[int, ...]
_BUSY_SECONDS = 5
_NUL = "\\u0000"
_BUSY_PAUSE = 0.01
_POOL_SECONDS = 10
_INTERRUPT_SECONDS = 0.05
_CONFLICTS = frozenset({"40001", "40P01"})
_TRANSIENT = frozenset({"57P01", "57P02", "57P03", "08000", "08003", "08006", *_CONFLICTS})
_PASSING = frozenset(
    {
        "disk_full",
        "disk_error",
        "database_locked",
        "database_unwritable",
        "database_unreachable",
        "database_busy",
        "database_conflict",
    }
)
_LOCK = text("SELECT pg_advisory_xact_lock(:key)")


class Session(ABC):
    """One transaction on one connection. The unit of work owns its life; repositories only execute."""

    is_postgres: bool

    def __init__(self) -> None:
        self.changed: set[FromClause | None] = set()
        """The tables this transaction has changed; None stands for all."""

    def note(self, statement: Executable) -> None:
        """Note what a statement is about to change."""
        if isinstance(statement, UpdateBase):
            self.changed.add(statement.table)
        elif not isinstance(statement, SelectBase):
            self.changed.add(None)

    @abstractmethod
    async def execute(self, statement: Executable, parameters: Parameters = None) -> Rows:
        """Run a short statement and return its buffered result."""

    @abstractmethod
    async def execute_long(self, statement: Executable, parameters: Parameters = None) -> Rows:
        """Run a statement that may take more than a few milliseconds, without holding the event loop."""

    def stamp(self, *tables: Table) -> Stamp | None:
        """As `Database.stamp`, for what this transaction sees; None also where it has changed the tables itself."""
        return None

    @abstractmethod
    async def lock(self, name: str) -> None:
        """Hold a named lock until the transaction ends, so that read-then-write on one name is serial."""

    @abstractmethod
    async def commit(self) -> None:
        """Make it last, and give the connection back."""

    @abstractmethod
    async def rollback(self) -> None:
        """Undo it, and give the connection back."""


class Database(ABC):
    """Where the truth lives."""

    is_postgres: bool

    @abstractmethod
    async def begin(self, *, write: bool) -> Session:
        """Open a transaction; a writing one may wait for its turn."""

    def stamp(self, *tables: Table) -> Stamp | None:
        """What stays equal while nobody, in any process, commits a change to the tables; None where only reading tells.

        Whoever keeps what was read takes the stamp first and reads then.
        """
        return None

    @abstractmethod
    async def close(self) -> None:
        """Give everything back."""


def _trouble(code: str, message: str, hint: str | None = None) -> InterlockError:
    return InterlockError(Kind.UNAVAILABLE, message, code=code, hint=hint)


def is_database_trouble(error: BaseException) -> bool:
    """Whether our own database failed for a reason that passes: what was asked of it is worth asking again."""
    if isinstance(error, InterlockError):
        return error.code in _PASSING
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or getattr(error.orig, "sqlstate", None) in _TRANSIENT
    return False


def _translated(error: StatementError) -> Exception:
    """Full, failing, locked, damaged and unreachable databases in words an operator can act on; the rest unchanged."""
    reason = str(error.orig).lower()
    if "disk is full" in reason or "no space left" in reason:
        return _trouble("disk_full", "The disk is full; nothing was written.", "Free space and retry.")
    if "disk i/o error" in reason:
        return _trouble(
            "disk_error",
            "The disk failed while the database used it; nothing was written.",
            "Look at the disk's health and quotas, then retry.",
        )
    if "database is locked" in reason or "database table is locked" in reason:
        return _trouble(
            "database_locked",
            "The database is locked by another process; nothing was written.",
            "Retry; if it stays, look for a backup or another program holding the file.",
        )
    if "readonly database" in reason or "unable to open database" in reason:
        return _trouble(
            "database_unwritable",
            "The database file cannot be written.",
            "Check the owner and mode of the data directory.",
        )
    if "file is not a database" in reason or "disk image is malformed" in reason:
        return _trouble(
            "database_damaged",
            "The database file is damaged, or is no database.",
            "Restore a backup; keep the damaged file for inspection.",
        )
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return _trouble(
            "database_unreachable",
            "The connection to the database broke; nothing was written unless it broke during the commit itself.",
            "Retry with the same idempotency key.",
        )
    if getattr(error.orig, "sqlstate", None) in _CONFLICTS:
        return _trouble(
            "database_conflict", "Two transactions stood in each other's way; nothing was written.", "Retry."
        )
    return error


class SqliteDatabase(Database):
    """SQLite in WAL mode: one writing connection used in turns, reading connections reused."""

    is_postgres = False

    def __init__(self, path: Path, *, synchronous: str = "normal") -> None:
        self.path = path
        self.synchronous = synchronous
        self.engine: Engine = create_engine(
            f"sqlite:///{path}",
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
            hide_parameters=True,  # an error is logged and kept with its job; what callers sent is not for there
            connect_args={"check_same_thread": False, "timeout": _BUSY_SECONDS, "cached_statements": 512},
            json_serializer=_dumps,
            json_deserializer=_from_json,
        )
        event.listen(self.engine, "connect", self._prepare)
        self.preparer = Preparer(self.engine.dialect)
        self._commits: dict[FromClause | None, int] = defaultdict(int)
        self.is_away = False
        self._turn = asyncio.Lock()
        self._writer: Connection | None = None
        self._readers: list[Connection] = []

    def _prepare(self, connection: sqlite3.Connection, _record: object) -> None:
        for pragma in (
            "journal_mode=WAL",
            f"synchronous={self.synchronous}",
            "foreign_keys=ON",
            f"busy_timeout={_BUSY_SECONDS * 1000}",
            "cache_size=-16000",
            # A checkpoint waits for the disk on the loop's own thread: every 16 MB of changes instead of every 4.
            "wal_autocheckpoint=4000",
        ):
            connection.execute(f"PRAGMA {pragma}").close()
        # SQLite's own lower() knows the letters of ASCII only.
        connection.create_function("unicode_lower", 1, _lower, deterministic=True)

    async def begin(self, *, write: bool) -> Session:
        """A writing session waits in line in this process, then for other processes that hold the file."""
        if write:
            await self._turn.acquire()
            try:
                return await self._begin_writing()
            except BaseException:
                self._turn.release()
                raise
        connection = self._connection(write=False)
        try:
            return SqliteSession(self, connection, write=False)
        except BaseException:
            self._readers.append(connection)
            raise

    async def _begin_writing(self) -> Session:
        """SQLite's own busy handler would sleep on the loop's thread, and everybody else with it."""
        deadline = time.monotonic() + _BUSY_SECONDS
        while True:
            try:
                return SqliteSession(self, self._connection(write=True), write=True)
            except InterlockError as error:
                if error.code != "database_locked" or time.monotonic() >= deadline:
                    raise
            await asyncio.sleep(_BUSY_PAUSE)

    def _connection(self, *, write: bool) -> Connection:
        try:
            if not write:
                return self._readers.pop() if self._readers else self.engine.connect()
            if self._writer is None:
                self._writer = self.engine.connect()
                _driver_of(self._writer).execute("PRAGMA busy_timeout=0").close()
        except DBAPIError as error:
            raise _translated(error) from error
        return self._writer

    def stamp(self, *tables: Table) -> Stamp | None:
        """SQLite counts the commits of other connections, and all of this process go through the one asked here."""
        if self.is_away:
            return None  # a thread is using that connection
        try:
            others = _driver_of(self._connection(write=True)).execute("PRAGMA data_version").fetchone()
        except (sqlite3.Error, InterlockError):
            return None
        return (others[0], *[self._commits[table] for table in (None, *tables)])

    def committed(self, changed: Iterable[FromClause | None]) -> None:
        """Called by a session that has changed these tables; None stands for all."""
        for table in changed:
            self._commits[table] += 1

    def give_back(self, connection: Connection, *, write: bool) -> None:
        """Called by a session that ended."""
        if write:
            self._turn.release()
        else:
            self._readers.append(connection)

    async def close(self) -> None:
        """Close every connection that is not in use."""
        for connection in self._readers:
            connection.close()
        self._readers.clear()
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        self.engine.dispose()


def _dumps(value: Any) -> str:
    """The text of a JSON column; NUL characters, which only SQLite would keep, are replaced."""
    text = orjson.dumps(value).decode()
    return text if _NUL not in text else orjson.dumps(without_nul(value)).decode()


def _from_json(stored: str | float) -> Any:
    """The value of a JSON column; SQLite keeps a lone number as a number, whatever it was written as."""
    return stored if isinstance(stored, int | float) else orjson.loads(stored)


def _lower(value: str | float | None) -> str | float | None:
    return value.lower() if isinstance(value, str) else value


def _driver_of(connection: Connection) -> sqlite3.Connection:
    driver: Any = connection.connection.dbapi_connection
    if not isinstance(driver, sqlite3.Connection):
        raise TypeError("the SQLite engine must use the sqlite3 driver")
    return driver


class SqliteSession(Session):
    """A transaction on the loop's own thread."""

    is_postgres = False

    def __init__(self, database: SqliteDatabase, connection: Connection, *, write: bool) -> None:
        self._database = database
        self._connection = connection
        self._write = write
        super().__init__()
        self._driver: sqlite3.Connection = _driver_of(connection)
        try:
            self._driver.execute("BEGIN IMMEDIATE" if write else "BEGIN")
        except sqlite3.OperationalError as error:
            raise _translated(OperationalError("BEGIN", {}, error)) from error

    async def execute(self, statement: Executable, parameters: Parameters = None) -> Rows:
        """Run on this thread: a short statement costs less than a hop to another one."""
        return self._run(statement, parameters)

    async def execute_long(self, statement: Executable, parameters: Parameters = None) -> Rows:
        """Run in a worker thread, to the last row. The connection is not given back before the thread has left it."""
        if self._write:
            self._database.is_away = True
        work = asyncio.get_running_loop().run_in_executor(None, self._run_whole, statement, parameters)
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            await self._break_off(work)
            raise
        finally:
            if self._write:
                self._database.is_away = False

    async def _break_off(self, work: "asyncio.Future[Rows]") -> None:
        """Have SQLite stop the statement, which it hears only once the statement has begun."""
        while not work.done():
            self._driver.interrupt()
            with suppress(asyncio.CancelledError):  # the one that led here is raised when the thread is done
                await asyncio.wait({work}, timeout=_INTERRUPT_SECONDS)
        if not work.cancelled():
            work.exception()  # seen: nobody waits for it any more

    def _run_whole(self, statement: Executable, parameters: Parameters) -> Rows:
        rows = self._run(statement, parameters)
        if isinstance(rows, CursorResult) and rows.returns_rows:
            return PreparedRows(rows.all(), rows.rowcount)
        return rows

    def _run(self, statement: Executable, parameters: Parameters) -> Rows:
        try:
            prepared = self._database.preparer.find(statement, parameters)
            if self._write:
                self.note(statement)
            if prepared is not None and isinstance(parameters, list | tuple):
                return prepared.run_many(self._driver, parameters)
            if prepared is not None:
                return prepared.run(self._driver, cast("Mapping[str, Any]", parameters or {}))
            return self._connection.execute(statement, parameters)
        except DBAPIError as error:
            raise _translated(error) from error

    def stamp(self, *tables: Table) -> Stamp | None:
        """A reading transaction sees the past, so that a stamp of now says nothing about it."""
        if not self._write or None in self.changed or not self.changed.isdisjoint(tables):
            return None
        return self._database.stamp(*tables)

    async def lock(self, name: str) -> None:
        """A writing SQLite transaction is already alone."""

    async def commit(self) -> None:
        """COMMIT; what the database refuses here (a full disk, a deferred constraint) is undone and said."""
        try:
            self._driver.execute("COMMIT")
        except sqlite3.Error as error:
            await self.rollback()
            raise _translated(DBAPIError.instance("COMMIT", {}, error, sqlite3.Error)) from error
        self._database.committed(self.changed)
        self._database.give_back(self._connection, write=self._write)

    async def rollback(self) -> None:
        """ROLLBACK, unless SQLite has already done so by itself."""
        try:
            if self._driver.in_transaction:
                self._driver.execute("ROLLBACK")
        finally:
            self._database.give_back(self._connection, write=self._write)


class PostgresDatabase(Database):
    """PostgreSQL through asyncpg and a connection pool."""

    is_postgres = True

    def __init__(self, url: str, *, pool: int = 10) -> None:
        self.engine: sqlalchemy_asyncio.AsyncEngine = sqlalchemy_asyncio.create_async_engine(
            url.replace("postgresql://", "postgresql+asyncpg://").replace("postgres://", "postgresql+asyncpg://"),
            hide_parameters=True,  # as for SQLite
            pool_size=pool,
            max_overflow=pool,
            pool_timeout=_POOL_SECONDS,
            pool_pre_ping=False,
            json_serializer=_dumps,
            json_deserializer=orjson.loads,
        )

    async def begin(self, *, write: bool) -> Session:
        """A transaction on a pooled connection."""
        connection = self.engine.connect()
        try:
            await connection.start()
        except PoolTimeoutError as error:
            raise _trouble(
                "database_busy",
                "Every connection to the database is at work.",
                "Retry in a moment; if it stays, raise INTERLOCK_DATABASE_POOL.",
            ) from error
        except (OSError, DBAPIError) as error:
            raise _trouble("database_unreachable", "The database is not reachable.") from error
        return PostgresSession(connection)

    async def close(self) -> None:
        """Close the pool."""
        await self.engine.dispose()


class PostgresSession(Session):
    """A transaction on PostgreSQL; SQLAlchemy begins it at the first statement."""

    is_postgres = True

    def __init__(self, connection: "sqlalchemy_asyncio.AsyncConnection") -> None:
        super().__init__()
        self._connection = connection

    async def execute(self, statement: Executable, parameters: Parameters = None) -> Rows:
        """Send it and wait for the rows."""
        self.note(statement)
        try:
            return await self._connection.execute(statement, parameters)
        except DBAPIError as error:
            raise _translated(error) from error

    def note(self, statement: Executable) -> None:
        """Only what plainly changes a table: the rest is locks, news and settings, and no stamp hangs on it."""
        if isinstance(statement, UpdateBase):
            self.changed.add(statement.table)

    async def execute_long(self, statement: Executable, parameters: Parameters = None) -> Rows:
        """The same: the work happens in the server."""
        return await self.execute(statement, parameters)

    async def lock(self, name: str) -> None:
        """A transaction-scoped advisory lock on the name's hash."""
        number = int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big", signed=True)
        await self.execute(_LOCK, {"key": number})

    async def commit(self) -> None:
        """COMMIT."""
        try:
            await self._connection.commit()
        except DBAPIError as error:
            raise _translated(error) from error
        finally:
            await self._connection.close()

    async def rollback(self) -> None:
        """ROLLBACK."""
        try:
            await self._connection.rollback()
        finally:
            await self._connection.close()


def open_database(settings: Settings) -> Database:
    """The database the settings name: PostgreSQL by URL, else `<data-dir>/interlock.db`."""
    if settings.is_postgres and settings.database_url is not None:
        return PostgresDatabase(settings.database_url, pool=settings.database_pool)
    return SqliteDatabase(settings.data_dir / "interlock.db", synchronous=settings.sqlite_synchronous)
