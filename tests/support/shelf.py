"""PostgreSQL databases that are used again: emptying one costs a hundredth of copying the template anew.

A database goes back on the shelf only if nothing but rows was changed in it; anything else, and it is dropped.
"""

from dataclasses import dataclass

import psycopg
from psycopg import sql

from tests.support.postgres import PostgresServer

_MOST_USES = 40  # deleted rows stay in their files, as nothing vacuums
_MOST_GROWTH = 4_000_000
_END_OTHERS = (
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
_OTHERS = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"
_SHAPE = sql.SQL(" UNION ALL ").join(
    sql.SQL("SELECT {}, count(*), coalesce(sum(xmin::text::bigint), 0) FROM {}").format(
        sql.Literal(catalog), sql.Identifier(catalog)
    )
    for catalog in (
        "pg_attribute",
        "pg_class",
        "pg_constraint",
        "pg_db_role_setting",
        "pg_extension",
        "pg_index",
        "pg_namespace",
        "pg_proc",
        "pg_statistic",
        "pg_trigger",
        "pg_type",
    )
)
_TABLES = (
    "SELECT schemaname, tablename FROM pg_tables"
    " WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2"
)
_SIZE = "SELECT pg_database_size(current_database())"
_RESTART = (
    "SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)"
    " FROM pg_sequences WHERE last_value IS NOT NULL"
)


@dataclass
class Lent:
    """A database, what it looked like when it was new, and how often it was used."""

    name: str
    template: str
    empty: sql.Composed
    kept: sql.Composed
    shape: list[tuple[object, ...]]
    size: int
    uses: int = 0


class Shelf:
    """The databases of one worker that wait to be used again."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self._clean: dict[str, Lent] = {}

    def lend(self, template: str) -> Lent:
        """An empty database with what the template has."""
        lent = self._clean.pop(template, None)
        if lent is not None and self._is_in_use(lent):
            self._server.drop_database(lent.name)
            lent = None
        lent = lent or self._new(template)
        lent.uses += 1
        return lent

    def take_back(self, lent: Lent) -> None:
        """Empty it, and keep it where it is as good as new."""
        with psycopg.connect(self._server.url(lent.name), autocommit=True) as connection:
            connection.execute(_END_OTHERS)
            is_good = (
                lent.uses < _MOST_USES
                and connection.execute(_SIZE).fetchall()[0][0] < lent.size + _MOST_GROWTH
                and _shape(connection, lent.kept) == lent.shape
            )
            if is_good:
                connection.execute(lent.empty)
                connection.execute(_RESTART)
        if is_good:
            self._clean[lent.template] = lent
        else:
            self._server.drop_database(lent.name)

    def clear(self) -> None:
        """Drop them all."""
        for lent in self._clean.values():
            self._server.drop_database(lent.name)
        self._clean.clear()

    def _new(self, template: str) -> Lent:
        name = self._server.create_database(template)
        with psycopg.connect(self._server.url(name), autocommit=True) as connection:
            tables = [sql.Identifier(*row) for row in connection.execute(_TABLES)]
            filled = [table for table in tables if connection.execute(_any(table)).fetchone()]
            kept = sql.SQL(" UNION ALL ").join([_SHAPE, *map(_content, filled)])
            deletions = [sql.SQL("DELETE FROM {}").format(table) for table in tables if table not in filled]
            # Neither the order of references nor what refuses deletion matters here.
            start = sql.SQL("SET session_replication_role = replica")
            empty = sql.SQL("; ").join([start, *deletions])
            size = connection.execute(_SIZE).fetchall()[0][0]
            return Lent(name, template, empty, kept, _shape(connection, kept), size)

    def _is_in_use(self, lent: Lent) -> bool:
        """Whether something of an earlier test has come back to it."""
        with psycopg.connect(self._server.url("postgres"), autocommit=True) as connection:
            found = connection.execute(_OTHERS, [lent.name]).fetchall()
        return bool(found[0][0])


def _any(table: sql.Identifier) -> sql.Composed:
    return sql.SQL("SELECT 1 FROM {} LIMIT 1").format(table)


def _content(table: sql.Identifier) -> sql.Composed:
    return sql.SQL("SELECT md5(string_agg(it::text, '' ORDER BY it::text)), count(*), 0 FROM {} it").format(table)


def _shape(connection: psycopg.Connection, kept: sql.Composed) -> list[tuple[object, ...]]:
    return sorted(tuple(row) for row in connection.execute(kept).fetchall())
