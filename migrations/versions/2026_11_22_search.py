"""Search: what every searchable table puts into one place, with its words and vectors.

Revision: 0003
Follows: 0002
Date: 2026-11-22 01:49:45.748520
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import UserDefinedType

from interlock.runtime.search.schema import ensure_extension

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

FORGET = "INSERT INTO search_words(search_words, rowid, text, scope) VALUES ('delete', old.id, old.text, old.scope);"
LEARN = "INSERT INTO search_words(rowid, text, scope) VALUES (new.id, new.text, new.scope);"
DDL = {
    "sqlite": (
        """
            CREATE VIRTUAL TABLE search_words USING fts5(text, scope, content='search_entries', content_rowid='id',
            tokenize='porter unicode61 remove_diacritics 2')
            """,
        f"CREATE TRIGGER search_entries_learn AFTER INSERT ON search_entries BEGIN {LEARN} END",
        f"CREATE TRIGGER search_entries_forget AFTER DELETE ON search_entries BEGIN {FORGET} END",
        f"""
            CREATE TRIGGER search_entries_relearn AFTER UPDATE OF text, scope ON search_entries
            BEGIN {FORGET} {LEARN} END
            """,
    ),
    "postgresql": (
        "CREATE INDEX search_words_text ON search_entries USING gin (words)",
        "CREATE INDEX search_words_vector ON search_entries USING hnsw (vector vector_cosine_ops)",
    ),
}


class PgVector(UserDefinedType[str]):
    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "vector(384)"


def upgrade() -> None:
    """Apply."""
    ensure_extension(op.get_bind())
    op.create_table(
        "search_entries",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("collection", sa.String(length=40), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("words", postgresql.TSVECTOR().with_variant(sa.Text(), "sqlite"), nullable=True),
        sa.Column("vector", sa.LargeBinary().with_variant(PgVector(), "postgresql"), nullable=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("change", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_entries")),
        sa.UniqueConstraint(
            "collection", "workspace_id", "number", name=op.f("uq_search_entries_collection_workspace_id_number")
        ),
    )
    with op.batch_alter_table("search_entries", schema=None) as batch_op:
        batch_op.create_index("ix_search_entries_change", ["collection", "workspace_id", "change"], unique=False)
        batch_op.create_index(
            "ix_search_entries_removed_at",
            ["removed_at"],
            unique=False,
            sqlite_where=sa.text("removed_at IS NOT NULL"),
            postgresql_where=sa.text("removed_at IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_search_entries_waiting",
            ["collection", "workspace_id", "id"],
            unique=False,
            sqlite_where=sa.text("vector IS NULL AND removed_at IS NULL"),
            postgresql_where=sa.text("vector IS NULL AND removed_at IS NULL"),
        )

    for statement in DDL[op.get_bind().dialect.name]:
        op.execute(sa.text(statement))

    op.create_table(
        "search_work",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("collection", sa.String(length=40), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_work")),
        sa.UniqueConstraint("collection", "workspace_id", name=op.f("uq_search_work_collection_workspace_id")),
    )


def downgrade() -> None:
    """Undo."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(sa.text("DROP TABLE search_words"))
    op.drop_table("search_work")
    with op.batch_alter_table("search_entries", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_search_entries_waiting",
            sqlite_where=sa.text("vector IS NULL AND removed_at IS NULL"),
            postgresql_where=sa.text("vector IS NULL AND removed_at IS NULL"),
        )
        batch_op.drop_index(
            "ix_search_entries_removed_at",
            sqlite_where=sa.text("removed_at IS NOT NULL"),
            postgresql_where=sa.text("removed_at IS NOT NULL"),
        )
        batch_op.drop_index("ix_search_entries_change")

    op.drop_table("search_entries")
