"""Messages of runs, for those who go on from a step; steps that were taken over; indexes for lists of runs.

Revision: 0020
Follows: 0019
Date: 2026-11-22 05:32:26.045617
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "run_messages",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run_messages")),
        sa.UniqueConstraint("run_id", "key", name=op.f("uq_run_messages_run_id_key")),
    )
    with op.batch_alter_table("run_steps", schema=None) as batch_op:
        batch_op.add_column(sa.Column("taken_from", sa.Uuid(), nullable=True))

    with op.batch_alter_table("runs", schema=None) as batch_op:
        batch_op.create_index("ix_runs_workspace_id_kind_id", ["workspace_id", "kind", "id"], unique=False)
        batch_op.create_index("ix_runs_workspace_id_started_at_id", ["workspace_id", "started_at", "id"], unique=False)
        batch_op.create_index("ix_runs_workspace_id_trigger_id", ["workspace_id", "trigger", "id"], unique=False)


def downgrade() -> None:
    """Undo."""
    with op.batch_alter_table("runs", schema=None) as batch_op:
        batch_op.drop_index("ix_runs_workspace_id_trigger_id")
        batch_op.drop_index("ix_runs_workspace_id_started_at_id")
        batch_op.drop_index("ix_runs_workspace_id_kind_id")

    with op.batch_alter_table("run_steps", schema=None) as batch_op:
        batch_op.drop_column("taken_from")

    op.drop_table("run_messages")
