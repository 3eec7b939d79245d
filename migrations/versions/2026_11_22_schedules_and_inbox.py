"""schedules and inbox

Revision: 0007
Follows: 0006
Date: 2026-11-22 01:58:03.550059
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "inbox_items",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("guid", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.String(length=120), nullable=True),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("level", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("subject_kind", sa.String(length=40), nullable=True),
        sa.Column("subject_id", sa.String(length=200), nullable=True),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('approval_requested', 'budget_alert', 'policy_alert', 'run_failed', 'schedule_failing', 'subscription_disabled', 'system')",
            name=op.f("ck_inbox_items_kind"),
        ),
        sa.CheckConstraint("level IN ('info', 'warning', 'error')", name=op.f("ck_inbox_items_level")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox_items")),
        sa.UniqueConstraint("guid", name=op.f("uq_inbox_items_guid")),
    )
    with op.batch_alter_table("inbox_items", schema=None) as batch_op:
        batch_op.create_index(
            "ix_inbox_items_unread",
            ["workspace_id", "user_id", "id"],
            unique=False,
            sqlite_where=sa.text("read_at IS NULL"),
            postgresql_where=sa.text("read_at IS NULL"),
        )
        batch_op.create_index("ix_inbox_items_workspace_id_created_at", ["workspace_id", "created_at"], unique=False)
        batch_op.create_index("ix_inbox_items_workspace_id_id", ["workspace_id", "id"], unique=False)
        batch_op.create_index("uq_inbox_items_workspace_id_source", ["workspace_id", "source"], unique=True)

    op.create_table(
        "schedule_firings",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("guid", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("schedule_id", sa.Uuid(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fired_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("missed", sa.Integer(), nullable=False),
        sa.Column("by_hand", sa.Boolean(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=True),
        sa.Column("code", sa.String(length=80), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "status IN ('fired', 'caught_up', 'skipped', 'failed')", name=op.f("ck_schedule_firings_status")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedule_firings")),
        sa.UniqueConstraint("guid", name=op.f("uq_schedule_firings_guid")),
    )
    with op.batch_alter_table("schedule_firings", schema=None) as batch_op:
        batch_op.create_index("ix_schedule_firings_schedule_id_id", ["schedule_id", "id"], unique=False)
        batch_op.create_index("ix_schedule_firings_workspace_id_fired_at", ["workspace_id", "fired_at"], unique=False)
        batch_op.create_index("uq_schedule_firings_schedule_id_due_at", ["schedule_id", "due_at"], unique=True)

    op.create_table(
        "schedules",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("guid", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("spec", sa.String(length=200), nullable=False),
        sa.Column("text", sa.String(length=200), nullable=True),
        sa.Column("time_zone", sa.String(length=60), nullable=False),
        sa.Column("workflow_id", sa.Uuid(), nullable=True),
        sa.Column("agent_id", sa.Uuid(), nullable=True),
        sa.Column(
            "input_data",
            sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql"),
            nullable=False,
        ),
        sa.Column("overlap", sa.String(length=40), nullable=False),
        sa.Column("catch_up", sa.String(length=40), nullable=False),
        sa.Column("max_firings", sa.Integer(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("end_reason", sa.String(length=40), nullable=True),
        sa.Column("anchor_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_fire_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("last_fired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_run_id", sa.Uuid(), nullable=True),
        sa.Column("firings", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column(
            "extra",
            sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql"),
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("catch_up IN ('once', 'none')", name=op.f("ck_schedules_catch_up")),
        sa.CheckConstraint(
            "end_reason IN ('completed', 'expired', 'max_firings')", name=op.f("ck_schedules_end_reason")
        ),
        sa.CheckConstraint("kind IN ('cron', 'interval', 'one_shot')", name=op.f("ck_schedules_kind")),
        sa.CheckConstraint("overlap IN ('skip', 'allow')", name=op.f("ck_schedules_overlap")),
        sa.CheckConstraint("status IN ('active', 'paused', 'exhausted')", name=op.f("ck_schedules_status")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedules")),
        sa.UniqueConstraint("guid", name=op.f("uq_schedules_guid")),
    )
    with op.batch_alter_table("schedules", schema=None) as batch_op:
        batch_op.create_index(
            "ix_schedules_next_fire_at",
            ["next_fire_at"],
            unique=False,
            sqlite_where=sa.text("next_fire_at IS NOT NULL"),
            postgresql_where=sa.text("next_fire_at IS NOT NULL"),
        )
        batch_op.create_index("ix_schedules_workspace_id_id", ["workspace_id", "id"], unique=False)


def downgrade() -> None:
    """Undo."""
    with op.batch_alter_table("schedules", schema=None) as batch_op:
        batch_op.drop_index("ix_schedules_workspace_id_id")
        batch_op.drop_index(
            "ix_schedules_next_fire_at",
            sqlite_where=sa.text("next_fire_at IS NOT NULL"),
            postgresql_where=sa.text("next_fire_at IS NOT NULL"),
        )

    op.drop_table("schedules")
    with op.batch_alter_table("schedule_firings", schema=None) as batch_op:
        batch_op.drop_index("uq_schedule_firings_schedule_id_due_at")
        batch_op.drop_index("ix_schedule_firings_workspace_id_fired_at")
        batch_op.drop_index("ix_schedule_firings_schedule_id_id")

    op.drop_table("schedule_firings")
    with op.batch_alter_table("inbox_items", schema=None) as batch_op:
        batch_op.drop_index("uq_inbox_items_workspace_id_source")
        batch_op.drop_index("ix_inbox_items_workspace_id_id")
        batch_op.drop_index("ix_inbox_items_workspace_id_created_at")
        batch_op.drop_index(
            "ix_inbox_items_unread",
            sqlite_where=sa.text("read_at IS NULL"),
            postgresql_where=sa.text("read_at IS NULL"),
        )

    op.drop_table("inbox_items")
