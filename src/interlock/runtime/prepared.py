"""Statements that are built once are also compiled once: the second execution goes straight to the sqlite3 driver.

SQLAlchemy's own execution costs several times what SQLite does for a point read. A statement object that comes again
with the same parameter names is therefore kept as SQL text with the value processors of its columns; everything
SQLAlchemy adds beyond that (expanding IN lists, Python-side defaults, many parameter sets) stays with SQLAlchemy.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from sqlalchemy import Dialect, Row
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import ClauseElement, Executable, TextClause
from sqlalchemy.sql.compiler import SQLCompiler

Processor = Callable[[Any], Any] | None


class Rows(Protocol):
    """What a statement returned, buffered; the part of SQLAlchemy's result that repositories use."""

    @property
    def rowcount(self) -> int:
        """How many rows an insert, update or delete touched."""
        ...

    def all(self) -> Sequence[Row[Any]]:
        """Every row."""
        ...

    def first(self) -> Row[Any] | None:
        """The first row, or None."""
        ...

    def one(self) -> Row[Any]:
        """The only row; raises when there is not exactly one."""
        ...

    def scalar(self) -> Any:
        """The first column of the first row, or None."""
        ...

    def scalar_one(self) -> Any:
        """The first column of the only row."""
        ...

    def scalars(self) -> Any:
        """The first column of every row, iterable and with `all`."""
        ...

    def __iter__(self) -> Iterator[Row[Any]]: ...


class PreparedRow(tuple[Any, ...]):
    """A row with its columns as attributes; a subclass is made per statement."""

    __slots__ = ()
    _fields: tuple[str, ...] = ()

    @property
    def _mapping(self) -> dict[str, Any]:
        return dict(zip(self._fields, self, strict=True))


class PreparedRows(list[Any]):
    """Buffered rows of a prepared statement."""

    def __init__(self, rows: Sequence[Any], rowcount: int) -> None:
        super().__init__(rows)
        self.rowcount = rowcount

    def all(self) -> Sequence[Any]:
        """Every row."""
        return self

    def first(self) -> Any:
        """The first row, or None."""
        return self[0] if self else None

    def one(self) -> Any:
        """The only row."""
        if len(self) != 1:
            raise LookupError(f"expected one row, found {len(self)}")
        return self[0]

    def scalar(self) -> Any:
        """The first column of the first row, or None."""
        return self[0][0] if self else None

    def scalar_one(self) -> Any:
        """The first column of the only row."""
        return self.one()[0]

    def scalars(self) -> "PreparedRows":
        """The first column of every row."""
        return PreparedRows([row[0] for row in self], self.rowcount)


class Prepared:
    """One statement as the driver takes it, for one set of parameter names."""

    def __init__(self, compiled: SQLCompiler, dialect: Dialect) -> None:
        self.sql = str(compiled)
        self._dialect = dialect
        self._binds = tuple(_bind(compiled, name) for name in compiled.positiontup or ())
        columns = compiled._result_columns  # noqa: SLF001 - SQLAlchemy has no public way to compile once
        self._row = _row_type([column.keyname for column in columns])
        self._results = tuple(column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns)

    def run(self, driver: sqlite3.Connection, parameters: Mapping[str, Any]) -> PreparedRows:
        """Execute with these parameters.

        Raises:
            DBAPIError: as SQLAlchemy would raise it.
        """
        values = self._values(parameters)
        try:
            cursor = driver.execute(self.sql, values)
            fetched = cursor.fetchall() if self._results else ()
        except sqlite3.Error as error:
            raise DBAPIError.instance(
                self.sql, values, error, sqlite3.Error, hide_parameters=True, dialect=self._dialect
            ) from error
        row, results = self._row, self._results
        rows = [
            row([process(value) if process else value for process, value in zip(results, raw, strict=True)])
            for raw in fetched
        ]
        return PreparedRows(rows, cursor.rowcount)

    def run_many(self, driver: sqlite3.Connection, many: Sequence[Mapping[str, Any]]) -> PreparedRows:
        """Execute once per set of parameters; for statements that return no rows.

        Raises:
            DBAPIError: as SQLAlchemy would raise it.
        """
        values = [self._values(parameters) for parameters in many]
        try:
            cursor = driver.executemany(self.sql, values)
        except sqlite3.Error as error:
            raise DBAPIError.instance(
                self.sql, values, error, sqlite3.Error, hide_parameters=True, dialect=self._dialect
            ) from error
        return PreparedRows((), cursor.rowcount)

    @property
    def returns_rows(self) -> bool:
        """Whether it is a query, or a change that tells what it changed."""
        return bool(self._results)

    def _values(self, parameters: Mapping[str, Any]) -> list[Any]:
        return [
            process(parameters.get(key, default)) if process else parameters.get(key, default)
            for key, process, default in self._binds
        ]


class Preparer:
    """Remembers statements by identity, and prepares one when it comes for the second time."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._seen: WeakKeyDictionary[Executable, dict[frozenset[str], Prepared | None]] = WeakKeyDictionary()

    def find(self, statement: Executable, parameters: Any) -> Prepared | None:
        """The prepared form, or None where SQLAlchemy has to execute it."""
        if parameters is None:
            parameters = {}
        elif not isinstance(parameters, dict):
            return self._find_many(statement, parameters)
        forms = self._seen.get(statement)
        if forms is None:
            self._seen[statement] = {}
            return None
        names = frozenset(parameters)
        if names not in forms:
            forms[names] = self._prepare(statement, names)
        return forms[names]

    def _find_many(self, statement: Executable, many: Sequence[Any]) -> Prepared | None:
        """The prepared form for many sets of parameters; SQLAlchemy's, too, is that of the first set's names."""
        if not many or any(parameters.keys() != many[0].keys() for parameters in many):
            return None
        prepared = self.find(statement, many[0])
        return None if prepared is None or prepared.returns_rows else prepared

    def _prepare(self, statement: Executable, names: frozenset[str]) -> Prepared | None:
        if isinstance(statement, TextClause) or not isinstance(statement, ClauseElement):
            return None
        compiled = statement.compile(dialect=self._dialect, column_keys=sorted(names))
        if not isinstance(compiled, SQLCompiler) or not _is_plain(compiled):
            return None
        return Prepared(compiled, self._dialect)


def _is_plain(compiled: SQLCompiler) -> bool:
    return not (
        compiled.insert_prefetch
        or compiled.update_prefetch
        or compiled.post_compile_params
        or compiled.literal_execute_params
        or any(bind.expanding or bind.callable for bind in compiled.binds.values())
    )


def _bind(compiled: SQLCompiler, name: str) -> tuple[str, Processor, Any]:
    bind = compiled.binds[name]
    process: Any = compiled._bind_processors.get(name)  # noqa: SLF001 - as above
    return bind.key, process, None if bind.required else bind.effective_value


def _row_type(names: Sequence[str]) -> type[PreparedRow]:
    members: dict[str, Any] = {"__slots__": (), "_fields": tuple(names)}
    for index, name in enumerate(names):
        if name.isidentifier() and not name.startswith("_"):
            members[name] = property(itemgetter(index))
    return type("Row", (PreparedRow,), members)
