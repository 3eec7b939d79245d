"""Empty databases with every table, for tests that start no server: laid out once per process, copied from then on."""

from functools import cache
from pathlib import Path

from sqlalchemy import create_engine, inspect
from sqlalchemy.pool import StaticPool

from interlock.runtime import tables
from interlock.runtime.database import Database, PostgresDatabase, SqliteDatabase


async def lay_tables(database: Database) -> None:
    """Give a database all tables; one that was copied from the suite's template has them."""
    if isinstance(database, SqliteDatabase):
        lay_file(database.path)
        return
    assert isinstance(database, PostgresDatabase)
    async with database.engine.begin() as connection:
        if not await connection.run_sync(lambda inside: inspect(inside).has_table("alembic_version")):
            await connection.run_sync(tables.metadata.create_all)


def lay_file(path: Path) -> None:
    """The same for the file of a SQLite database."""
    if not path.exists():
        path.write_bytes(_empty(len(tables.metadata.tables)))
        return
    engine = create_engine(f"sqlite:///{path}")
    tables.metadata.create_all(engine)
    engine.dispose()


@cache
def _empty(_tables: int) -> bytes:
    engine = create_engine("sqlite://", poolclass=StaticPool)
    tables.metadata.create_all(engine)
    with engine.connect() as connection:
        content: bytes = connection.connection.driver_connection.serialize()  # type: ignore[union-attr] # of sqlite3
    engine.dispose()
    return content
