"""chats

Revision: 0016
Follows: 0015
Date: 2026-11-22 05:26:09.489507
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "chat_turns",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("guid", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("answer_id", sa.Uuid(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('answering', 'answered', 'stopped', 'failed', 'withheld')", name=op.f("ck_chat_turns_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chat_turns")),
        sa.UniqueConstraint("guid", name=op.f("uq_chat_turns_guid")),
    )
    with op.batch_alter_table("chat_turns", schema=None) as batch_op:
        batch_op.create_index("ix_chat_turns_conversation_id_id", ["conversation_id", "id"], unique=False)
        batch_op.create_index(
            "uq_chat_turns_answering",
            ["conversation_id"],
            unique=True,
            sqlite_where=sa.text("state = 'answering'"),
            postgresql_where=sa.text("state = 'answering'"),
        )

    op.create_table(
        "chats",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("guid", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("agent_id", sa.Uuid(), nullable=True),
        sa.Column("model", sa.String(length=200), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column(
            "knowledge",
            sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql"),
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chats")),
        sa.UniqueConstraint("guid", name=op.f("uq_chats_guid")),
    )


def downgrade() -> None:
    """Undo."""
    op.drop_table("chats")
    with op.batch_alter_table("chat_turns", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_chat_turns_answering",
            sqlite_where=sa.text("state = 'answering'"),
            postgresql_where=sa.text("state = 'answering'"),
        )
        batch_op.drop_index("ix_chat_turns_conversation_id_id")

    op.drop_table("chat_turns")
