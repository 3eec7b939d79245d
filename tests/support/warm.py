"""What makes thousands of fresh servers cheap: statements compiled once, passwords hashed for little, plain logs.

Every test has a server of its own. Without this, each would compile the same statements anew, spend a third of a
second on every password, and a whole one on every exception it logs.
"""

from collections.abc import Iterator, MutableMapping
from typing import Any

import pytest
import structlog
from argon2 import PasswordHasher
from sqlalchemy.util import LRUCache

from interlock.domains.accounts.service import people
from interlock.runtime.database import PostgresDatabase, SqliteDatabase
from interlock.runtime.prepared import Preparer

_STATEMENTS = 5000


class SharedStatements(MutableMapping[tuple[Any, ...], Any]):
    """Compiled statements of one kind of database; the dialect that their keys begin with tells nothing here."""

    def __init__(self) -> None:
        self._compiled: LRUCache[tuple[Any, ...], Any] = LRUCache(_STATEMENTS)

    def __getitem__(self, key: tuple[Any, ...]) -> Any:
        return self._compiled[key[1:]]

    def __setitem__(self, key: tuple[Any, ...], compiled: Any) -> None:
        self._compiled[key[1:]] = compiled

    def __delitem__(self, key: tuple[Any, ...]) -> None:
        del self._compiled[key[1:]]

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        raise TypeError("nobody lists what is compiled")

    def __len__(self) -> int:
        return len(self._compiled)


def install(patch: pytest.MonkeyPatch) -> None:
    """Let the servers of this process share what they have learned until the patch is undone."""
    _share_statements(patch)
    patch.setattr(people, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    for renderer in structlog.get_config()["processors"]:
        if isinstance(renderer, structlog.dev.ConsoleRenderer):  # prints every local variable of every frame otherwise
            patch.setattr(renderer, "exception_formatter", structlog.dev.plain_traceback)


def _share_statements(patch: pytest.MonkeyPatch) -> None:
    on_postgres, on_sqlite = SharedStatements(), SharedStatements()
    open_postgres, open_sqlite = PostgresDatabase.__init__, SqliteDatabase.__init__
    shared: list[Preparer] = []

    def postgres(database: PostgresDatabase, *args: Any, **named: Any) -> None:
        open_postgres(database, *args, **named)
        database.engine.sync_engine._compiled_cache = on_postgres

    def sqlite(database: SqliteDatabase, *args: Any, **named: Any) -> None:
        open_sqlite(database, *args, **named)
        database.engine._compiled_cache = on_sqlite
        if database.synchronous == "normal":
            database.synchronous = "off"  # no test cuts the power; one that asks for "full" gets it
        shared[:] = shared or [database.preparer]
        database.preparer = shared[0]

    patch.setattr(PostgresDatabase, "__init__", postgres)
    patch.setattr(SqliteDatabase, "__init__", sqlite)
