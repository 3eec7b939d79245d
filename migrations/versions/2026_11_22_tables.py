"""Tables: definitions, rows, their history, triggers and imports.

Revision: 0013
Follows: 0012
Date: 2026-11-22 02:06:11.686525
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "data_import_problems",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("column", sa.String(length=200), nullable=True),
        sa.Column("problem", sa.String(length=500), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_import_problems")),
    )
    with op.batch_alter_table("data_import_problems", schema=None) as batch_op:
        batch_op.create_index("ix_data_import_problems_import_id_id", ["import_id", "id"], unique=False)

    op.create_table(
        "data_imports",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("guid", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("table_id", sa.Uuid(), nullable=False),
        sa.Column("filename", sa.String(length=255), nullable=False),
        sa.Column("format", sa.String(length=10), nullable=False),
        sa.Column("sheet", sa.String(length=100), nullable=True),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("total", sa.Integer(), nullable=True),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("imported", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('queued', 'running', 'completed', 'failed')", name=op.f("ck_data_imports_status")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_imports")),
        sa.UniqueConstraint("guid", name=op.f("uq_data_imports_guid")),
    )
    with op.batch_alter_table("data_imports", schema=None) as batch_op:
        batch_op.create_index("ix_data_imports_table_id_id", ["table_id", "id"], unique=False)
        batch_op.create_index("ix_data_imports_workspace_id_id", ["workspace_id", "id"], unique=False)

    op.create_table(
        "data_row_versions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("guid", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("table_id", sa.Uuid(), nullable=False),
        sa.Column("row_id", sa.Uuid(), nullable=False),
        sa.Column("event", sa.String(length=40), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column(
            "data",
            sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql"),
            nullable=False,
        ),
        sa.Column("actor", sa.String(length=300), nullable=False),
        sa.Column("row_created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "event IN ('row_created', 'row_updated', 'row_deleted')", name=op.f("ck_data_row_versions_event")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_row_versions")),
        sa.UniqueConstraint("guid", name=op.f("uq_data_row_versions_guid")),
    )
    with op.batch_alter_table("data_row_versions", schema=None) as batch_op:
        batch_op.create_index("ix_data_row_versions_table_id_row_id", ["table_id", "row_id", "id"], unique=False)

    op.create_table(
        "data_rows",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("guid", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("table_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column(
            "data",
            sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql"),
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_rows")),
        sa.UniqueConstraint("guid", name=op.f("uq_data_rows_guid")),
    )
    with op.batch_alter_table("data_rows", schema=None) as batch_op:
        batch_op.create_index("ix_data_rows_table_id_position", ["table_id", "position", "id"], unique=False)

    op.create_table(
        "data_tables",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("guid", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column(
            "columns",
            sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql"),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("next_key", sa.Integer(), nullable=False),
        sa.Column("row_count", sa.BigInteger(), nullable=False),
        sa.Column("next_position", sa.BigInteger(), nullable=False),
        sa.Column("trigger_count", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_tables")),
        sa.UniqueConstraint("guid", name=op.f("uq_data_tables_guid")),
    )
    with op.batch_alter_table("data_tables", schema=None) as batch_op:
        batch_op.create_index("ix_data_tables_workspace_id_id", ["workspace_id", "id"], unique=False)

    op.create_table(
        "data_triggers",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("guid", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("table_id", sa.Uuid(), nullable=False),
        sa.Column("event", sa.String(length=40), nullable=False),
        sa.Column(
            "filters",
            sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql"),
            nullable=False,
        ),
        sa.Column("workflow_id", sa.Uuid(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("fired_count", sa.Integer(), nullable=False),
        sa.Column("stopped_count", sa.Integer(), nullable=False),
        sa.Column("last_fired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "event IN ('row_created', 'row_updated', 'row_deleted')", name=op.f("ck_data_triggers_event")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_triggers")),
        sa.UniqueConstraint("guid", name=op.f("uq_data_triggers_guid")),
    )
    with op.batch_alter_table("data_triggers", schema=None) as batch_op:
        batch_op.create_index("ix_data_triggers_table_id_id", ["table_id", "workspace_id", "id"], unique=False)
        batch_op.create_index("ix_data_triggers_workspace_id_id", ["workspace_id", "id"], unique=False)


def downgrade() -> None:
    """Undo."""
    with op.batch_alter_table("data_triggers", schema=None) as batch_op:
        batch_op.drop_index("ix_data_triggers_workspace_id_id")
        batch_op.drop_index("ix_data_triggers_table_id_id")

    op.drop_table("data_triggers")
    with op.batch_alter_table("data_tables", schema=None) as batch_op:
        batch_op.drop_index("ix_data_tables_workspace_id_id")

    op.drop_table("data_tables")
    with op.batch_alter_table("data_rows", schema=None) as batch_op:
        batch_op.drop_index("ix_data_rows_table_id_position")

    op.drop_table("data_rows")
    with op.batch_alter_table("data_row_versions", schema=None) as batch_op:
        batch_op.drop_index("ix_data_row_versions_table_id_row_id")

    op.drop_table("data_row_versions")
    with op.batch_alter_table("data_imports", schema=None) as batch_op:
        batch_op.drop_index("ix_data_imports_workspace_id_id")
        batch_op.drop_index("ix_data_imports_table_id_id")

    op.drop_table("data_imports")
    with op.batch_alter_table("data_import_problems", schema=None) as batch_op:
        batch_op.drop_index("ix_data_import_problems_import_id_id")

    op.drop_table("data_import_problems")
