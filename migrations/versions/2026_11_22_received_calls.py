"""received calls

Revision: 0017
Follows: 0016
Date: 2026-11-22 05:17:07.325083
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "hook_calls",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("guid", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("hook_id", sa.Uuid(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.String(length=40), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=True),
        sa.Column(
            "headers",
            sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql"),
            nullable=False,
        ),
        sa.Column("payload", sa.Text(), nullable=True),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=True),
        sa.Column("code", sa.String(length=80), nullable=True),
        sa.Column("error", sa.String(length=500), nullable=True),
        sa.Column("replay_of", sa.Uuid(), nullable=True),
        sa.CheckConstraint("outcome IN ('accepted', 'duplicate', 'refused')", name=op.f("ck_hook_calls_outcome")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hook_calls")),
        sa.UniqueConstraint("guid", name=op.f("uq_hook_calls_guid")),
    )
    with op.batch_alter_table("hook_calls", schema=None) as batch_op:
        batch_op.create_index("ix_hook_calls_hook_id_id", ["hook_id", "id"], unique=False)
        batch_op.create_index("ix_hook_calls_workspace_id_received_at", ["workspace_id", "received_at"], unique=False)


def downgrade() -> None:
    """Undo."""
    with op.batch_alter_table("hook_calls", schema=None) as batch_op:
        batch_op.drop_index("ix_hook_calls_workspace_id_received_at")
        batch_op.drop_index("ix_hook_calls_hook_id_id")

    op.drop_table("hook_calls")
