"""why memories were recalled

Revision: 0015
Follows: 0014
Date: 2026-11-22 05:16:14.758521
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# What is pinned carries a label from now on, which the index of words knows by this token.
_LABEL = (
    "UPDATE search_entries SET scope = scope || ' l86b8b78450e4400'"
    " WHERE collection = 'memories' AND removed_at IS NULL AND number IN (SELECT id FROM memories WHERE pinned)"
)
_WORDS = (
    "UPDATE search_entries SET words = words || to_tsvector('simple', 'l86b8b78450e4400')"
    " WHERE collection = 'memories' AND removed_at IS NULL AND number IN (SELECT id FROM memories WHERE pinned)"
)


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "memory_recalls",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("memory", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("purpose", sa.String(length=40), nullable=False),
        sa.Column("actor", sa.String(length=300), nullable=False),
        sa.Column("occasion", sa.String(length=40), nullable=True),
        sa.Column("occasion_id", sa.String(length=80), nullable=True),
        sa.Column("question", sa.String(length=300), nullable=False),
        sa.Column(
            "filters",
            sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql"),
            nullable=False,
        ),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("word_rank", sa.Integer(), nullable=True),
        sa.Column("meaning_rank", sa.Integer(), nullable=True),
        sa.Column("nearness", sa.Float(), nullable=True),
        sa.Column("coverage", sa.Float(), nullable=False),
        sa.CheckConstraint("occasion IN ('run', 'chatbot', 'conversation')", name=op.f("ck_memory_recalls_occasion")),
        sa.CheckConstraint("purpose IN ('search', 'prompt')", name=op.f("ck_memory_recalls_purpose")),
        sa.CheckConstraint("reason IN ('named', 'near', 'best')", name=op.f("ck_memory_recalls_reason")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_memory_recalls")),
    )
    with op.batch_alter_table("memory_recalls", schema=None) as batch_op:
        batch_op.create_index("ix_memory_recalls_at", ["at"], unique=False)
        batch_op.create_index("ix_memory_recalls_memory_id", ["memory", "id"], unique=False)
    op.execute(_LABEL)
    if op.get_bind().dialect.name == "postgresql":
        op.execute(_WORDS)


def downgrade() -> None:
    """Undo."""
    with op.batch_alter_table("memory_recalls", schema=None) as batch_op:
        batch_op.drop_index("ix_memory_recalls_memory_id")
        batch_op.drop_index("ix_memory_recalls_at")

    op.drop_table("memory_recalls")
