"""Tables of search, and what each database adds to them beyond columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import DDL, Column, Index, LargeBinary, String, Table, Text, UniqueConstraint, event, text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import TypeDecorator, TypeEngine, UserDefinedType

from interlock.kit.errors import InterlockError, Kind
from interlock.runtime import tables
from interlock.runtime.context import WorkspaceId
from interlock.runtime.lazy import lazy

if TYPE_CHECKING:
    import numpy as np

    from interlock.runtime.search.entries import Vector
else:
    np = lazy("numpy")

DIMENSIONS = 384
_DERIVED = "search_words"
_MISSING = "0A000", "58P01", "42501"


class PgVector(UserDefinedType[Any]):
    """The column type of the pgvector extension, as text on the wire."""

    cache_ok = True

    def __init__(self, dimensions: int | str = DIMENSIONS) -> None:
        self.dimensions = int(dimensions)

    def get_col_spec(self, **_: Any) -> str:
        """As PostgreSQL spells it."""
        return f"vector({self.dimensions})"


ischema_names["vector"] = PgVector  # SQLAlchemy warns about types it does not know when it reads a schema


class VectorType(TypeDecorator[Any]):
    """A vector of 384 float32: a pgvector on PostgreSQL, 1,536 bytes on SQLite."""

    impl = LargeBinary
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The database's own."""
        return dialect.type_descriptor(PgVector() if dialect.name == "postgresql" else LargeBinary())

    def process_bind_param(self, value: Vector | None, dialect: Dialect) -> bytes | str | None:
        """Bytes, or pgvector's text."""
        if value is None:
            return None
        return vector_text(value) if dialect.name == "postgresql" else value.astype(np.float32).tobytes()

    def process_result_value(self, value: bytes | str | None, dialect: Dialect) -> Vector | None:
        """The vector again."""
        if value is None:
            return None
        if isinstance(value, str):
            return np.array(value.strip("[]").split(","), dtype=np.float32)
        return np.frombuffer(value, dtype=np.float32)


def vector_text(vector: Vector) -> str:
    """A vector as pgvector reads it."""
    return f"[{','.join(map(repr, vector.tolist()))}]"


search_entries = Table(
    "search_entries",
    tables.metadata,
    tables.key(),
    Column("collection", String(40), nullable=False),
    tables.reference("workspace_id", WorkspaceId),
    Column("number", tables.BigInt, nullable=False),
    Column("text", Text, nullable=False),
    # What it is filtered by, as words: the workspace's collection and every label.
    Column("scope", Text, nullable=False),
    # PostgreSQL only: text (weight A) and scope (weight D). SQLite has the table search_words instead.
    Column("words", TSVECTOR().with_variant(Text(), "sqlite")),
    Column("vector", VectorType()),
    tables.moment("until", nullable=True),
    # SQLite only: counts the changes of a workspace's collection, and an entry that went stays a while as a mark.
    Column("change", tables.BigInt, nullable=False),
    tables.moment("removed_at", nullable=True),
    UniqueConstraint("collection", "workspace_id", "number"),
    Index("ix_search_entries_change", "collection", "workspace_id", "change"),
    Index(
        "ix_search_entries_waiting",
        "collection",
        "workspace_id",
        "id",
        sqlite_where=text("vector IS NULL AND removed_at IS NULL"),
        postgresql_where=text("vector IS NULL AND removed_at IS NULL"),
    ),
    Index(
        "ix_search_entries_removed_at",
        "removed_at",
        sqlite_where=text("removed_at IS NOT NULL"),
        postgresql_where=text("removed_at IS NOT NULL"),
    ),
)

# A row says that a job is on its way which will see every entry that waits.
search_work = Table(
    "search_work",
    tables.metadata,
    tables.key(),
    Column("collection", String(40), nullable=False),
    tables.reference("workspace_id", WorkspaceId),
    UniqueConstraint("collection", "workspace_id"),
)

_FORGET = "INSERT INTO search_words(search_words, rowid, text, scope) VALUES ('delete', old.id, old.text, old.scope);"
_LEARN = "INSERT INTO search_words(rowid, text, scope) VALUES (new.id, new.text, new.scope);"
_INDEX_OF_WORDS = (
    "CREATE VIRTUAL TABLE search_words USING fts5(text, scope, content='search_entries', content_rowid='id',"
    " tokenize='porter unicode61 remove_diacritics 2')"
)
_RELEARN = f"AFTER UPDATE OF text, scope ON search_entries BEGIN {_FORGET} {_LEARN} END"
SEARCH_DDL = {
    "sqlite": (
        _INDEX_OF_WORDS,
        f"CREATE TRIGGER search_entries_learn AFTER INSERT ON search_entries BEGIN {_LEARN} END",
        f"CREATE TRIGGER search_entries_forget AFTER DELETE ON search_entries BEGIN {_FORGET} END",
        f"CREATE TRIGGER search_entries_relearn {_RELEARN}",
    ),
    "postgresql": (
        "CREATE INDEX search_words_text ON search_entries USING gin (words)",
        "CREATE INDEX search_words_vector ON search_entries USING hnsw (vector vector_cosine_ops)",
    ),
}
"""Statements a migration runs after creating the table, by dialect; `create_all` runs them by itself."""


def is_ours(name: str | None, _kind: str = "table", _parents: object = None) -> bool:
    """Whether the tables of the code name a table or index; False for what the statements above make.

    Alembic's `include_name`.
    """
    return name is None or not name.startswith(_DERIVED)


def ensure_extension(connection: Connection) -> None:
    """Have PostgreSQL load pgvector; a migration calls this before it creates the table.

    Raises:
        InterlockError: UNAVAILABLE, with the remedy, where the server lacks the extension.
    """
    if connection.dialect.name != "postgresql":
        return
    try:
        connection.execute(text("CREATE EXTENSION IF NOT EXISTS vector"))
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) not in _MISSING:
            raise
        raise InterlockError(
            Kind.UNAVAILABLE,
            "This PostgreSQL server lacks the extension 'vector' (pgvector), or its user may not create it.",
            code="pgvector_missing",
            hint="Install pgvector 0.8 or newer on the server (package postgresql-<version>-pgvector) and run"
            " CREATE EXTENSION vector in this database as its superuser, then start again.",
        ) from error


@event.listens_for(search_entries, "before_create")
def _before_create(_table: Table, connection: Connection, **_: Any) -> None:
    ensure_extension(connection)


for _dialect, _statements in SEARCH_DDL.items():
    for _statement in _statements:
        _ddl = DDL(_statement)  # type: ignore[no-untyped-call]  # its own annotation is incomplete
        event.listen(search_entries, "after_create", _ddl.execute_if(dialect=_dialect))
