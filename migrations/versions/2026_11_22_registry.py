"""registry

Revision: 0006
Follows: 0005
Date: 2026-11-22 01:58:15.770072
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "ai_system_days",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("system_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("authorized", sa.Integer(), nullable=False),
        sa.Column("escalated", sa.Integer(), nullable=False),
        sa.Column("denied", sa.Integer(), nullable=False),
        sa.Column("unsupervised", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ai_system_days")),
        sa.UniqueConstraint("system_id", "day", name=op.f("uq_ai_system_days_system_id_day")),
    )
    op.create_table(
        "ai_systems",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("guid", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column(
            "tools",
            sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "resources",
            sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "data",
            sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "tags",
            sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "observed",
            sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "overrides",
            sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql"),
            nullable=False,
        ),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("level", sa.String(length=40), nullable=False),
        sa.Column("flagged", sa.Boolean(), nullable=False),
        sa.Column("assessed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("active_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kind IN ('agent', 'mcp_client', 'workflow', 'llm_provider', 'adapter')", name=op.f("ck_ai_systems_kind")
        ),
        sa.CheckConstraint("level IN ('low', 'medium', 'high', 'critical')", name=op.f("ck_ai_systems_level")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ai_systems")),
        sa.UniqueConstraint("guid", name=op.f("uq_ai_systems_guid")),
    )
    with op.batch_alter_table("ai_systems", schema=None) as batch_op:
        batch_op.create_index(
            "ix_ai_systems_workspace_id_elevated",
            ["workspace_id"],
            unique=False,
            sqlite_where=sa.text("level IN ('high', 'critical')"),
            postgresql_where=sa.text("level IN ('high', 'critical')"),
        )
        batch_op.create_index("ix_ai_systems_workspace_id_id", ["workspace_id", "id"], unique=False)
        batch_op.create_index(
            "uq_ai_systems_workspace_id_kind_subject", ["workspace_id", "kind", "subject"], unique=True
        )

    op.create_table(
        "platforms",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("guid", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column(
            "tools",
            sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "resources",
            sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql"),
            nullable=False,
        ),
        sa.Column("token_hash", sa.String(length=64), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rotated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("disconnected_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('zapier', 'n8n', 'make')", name=op.f("ck_platforms_kind")),
        sa.CheckConstraint("status IN ('connected', 'disconnected')", name=op.f("ck_platforms_status")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_platforms")),
        sa.UniqueConstraint("guid", name=op.f("uq_platforms_guid")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_platforms_token_hash")),
    )
    with op.batch_alter_table("platforms", schema=None) as batch_op:
        batch_op.create_index("ix_platforms_workspace_id_id", ["workspace_id", "id"], unique=False)

    op.create_table(
        "registry_marks",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("usage_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registry_marks")),
        sa.UniqueConstraint("workspace_id", name=op.f("uq_registry_marks_workspace_id")),
    )


def downgrade() -> None:
    """Undo."""
    op.drop_table("registry_marks")
    with op.batch_alter_table("platforms", schema=None) as batch_op:
        batch_op.drop_index("ix_platforms_workspace_id_id")

    op.drop_table("platforms")
    with op.batch_alter_table("ai_systems", schema=None) as batch_op:
        batch_op.drop_index("uq_ai_systems_workspace_id_kind_subject")
        batch_op.drop_index("ix_ai_systems_workspace_id_id")
        batch_op.drop_index(
            "ix_ai_systems_workspace_id_elevated",
            sqlite_where=sa.text("level IN ('high', 'critical')"),
            postgresql_where=sa.text("level IN ('high', 'critical')"),
        )

    op.drop_table("ai_systems")
    op.drop_table("ai_system_days")
