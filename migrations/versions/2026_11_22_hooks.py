"""hooks

Revision: 0011
Follows: 0010
Date: 2026-11-22 02:11:24.405771
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "hook_counters",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("hook_id", sa.Uuid(), nullable=False),
        sa.Column("accepted", sa.BigInteger(), nullable=False),
        sa.Column("duplicates", sa.BigInteger(), nullable=False),
        sa.Column("refused", sa.BigInteger(), nullable=False),
        sa.Column("last_received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hook_counters")),
        sa.UniqueConstraint("hook_id", name=op.f("uq_hook_counters_hook_id")),
    )
    op.create_table(
        "hook_receipts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("hook_id", sa.Uuid(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hook_receipts")),
    )
    with op.batch_alter_table("hook_receipts", schema=None) as batch_op:
        batch_op.create_index("ix_hook_receipts_received_at", ["received_at"], unique=False)
        batch_op.create_index("uq_hook_receipts_hook_id_fingerprint", ["hook_id", "fingerprint"], unique=True)

    op.create_table(
        "hooks",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("guid", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("target_id", sa.Uuid(), nullable=True),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=True),
        sa.Column("secret_end", sa.String(length=8), nullable=True),
        sa.Column("rate_limit_per_minute", sa.Integer(), nullable=True),
        sa.Column("duplicate_guard", sa.String(length=40), nullable=False),
        sa.Column("duplicate_header", sa.String(length=100), nullable=True),
        sa.Column("duplicate_seconds", sa.Integer(), nullable=False),
        sa.Column("respond", sa.Boolean(), nullable=False),
        sa.Column("respond_seconds", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rotated_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "action IN ('workflow', 'notification', 'vault', 'monitor', 'conversation')", name=op.f("ck_hooks_action")
        ),
        sa.CheckConstraint("duplicate_guard IN ('off', 'header', 'body')", name=op.f("ck_hooks_duplicate_guard")),
        sa.CheckConstraint("status IN ('active', 'paused')", name=op.f("ck_hooks_status")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hooks")),
        sa.UniqueConstraint("guid", name=op.f("uq_hooks_guid")),
        sa.UniqueConstraint("slug", name=op.f("uq_hooks_slug")),
    )
    with op.batch_alter_table("hooks", schema=None) as batch_op:
        batch_op.create_index("ix_hooks_workspace_id_id", ["workspace_id", "id"], unique=False)


def downgrade() -> None:
    """Undo."""
    with op.batch_alter_table("hooks", schema=None) as batch_op:
        batch_op.drop_index("ix_hooks_workspace_id_id")

    op.drop_table("hooks")
    with op.batch_alter_table("hook_receipts", schema=None) as batch_op:
        batch_op.drop_index("uq_hook_receipts_hook_id_fingerprint")
        batch_op.drop_index("ix_hook_receipts_received_at")

    op.drop_table("hook_receipts")
    op.drop_table("hook_counters")
