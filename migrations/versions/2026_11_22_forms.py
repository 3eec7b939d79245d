"""forms

Revision: 0005
Follows: 0004
Date: 2026-11-22 01:44:11.743017
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "form_counts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("form_id", sa.Uuid(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("received", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_form_counts")),
    )
    with op.batch_alter_table("form_counts", schema=None) as batch_op:
        batch_op.create_index("uq_form_counts_form_id_part", ["form_id", "part"], unique=True)

    op.create_table(
        "form_submissions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("guid", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("form_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("spam_reason", sa.String(length=200), nullable=True),
        sa.Column(
            "data",
            sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql"),
            nullable=False,
        ),
        sa.Column("once_key", sa.String(length=64), nullable=True),
        sa.Column("row_state", sa.String(length=40), nullable=False),
        sa.Column("row_id", sa.Uuid(), nullable=True),
        sa.Column("row_error", sa.String(length=1000), nullable=True),
        sa.Column("run_state", sa.String(length=40), nullable=False),
        sa.Column("workflow_run_id", sa.Uuid(), nullable=True),
        sa.Column("run_error", sa.String(length=1000), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "row_state IN ('none', 'pending', 'done', 'failed')", name=op.f("ck_form_submissions_row_state")
        ),
        sa.CheckConstraint(
            "run_state IN ('none', 'pending', 'done', 'failed')", name=op.f("ck_form_submissions_run_state")
        ),
        sa.CheckConstraint("status IN ('received', 'spam')", name=op.f("ck_form_submissions_status")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_form_submissions")),
        sa.UniqueConstraint("guid", name=op.f("uq_form_submissions_guid")),
    )
    with op.batch_alter_table("form_submissions", schema=None) as batch_op:
        batch_op.create_index(
            "ix_form_submissions_spam",
            ["created_at"],
            unique=False,
            sqlite_where=sa.text("status = 'spam'"),
            postgresql_where=sa.text("status = 'spam'"),
        )
        batch_op.create_index(
            "ix_form_submissions_workspace_id_form_id_id", ["workspace_id", "form_id", "id"], unique=False
        )
        batch_op.create_index(
            "uq_form_submissions_form_id_once_key",
            ["form_id", "once_key"],
            unique=True,
            sqlite_where=sa.text("once_key IS NOT NULL"),
            postgresql_where=sa.text("once_key IS NOT NULL"),
        )

    op.create_table(
        "forms",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("guid", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("slug", sa.String(length=80), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("thanks", sa.Text(), nullable=True),
        sa.Column(
            "fields",
            sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql"),
            nullable=False,
        ),
        sa.Column("linked_table", sa.Uuid(), nullable=True),
        sa.Column("trigger_workflow", sa.Uuid(), nullable=True),
        sa.Column(
            "embed_origins",
            sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql"),
            nullable=False,
        ),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("status IN ('published', 'paused', 'draft')", name=op.f("ck_forms_status")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forms")),
        sa.UniqueConstraint("guid", name=op.f("uq_forms_guid")),
        sa.UniqueConstraint("slug", name=op.f("uq_forms_slug")),
    )
    with op.batch_alter_table("forms", schema=None) as batch_op:
        batch_op.create_index("ix_forms_workspace_id_id", ["workspace_id", "id"], unique=False)


def downgrade() -> None:
    """Undo."""
    with op.batch_alter_table("forms", schema=None) as batch_op:
        batch_op.drop_index("ix_forms_workspace_id_id")

    op.drop_table("forms")
    with op.batch_alter_table("form_submissions", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_form_submissions_form_id_once_key",
            sqlite_where=sa.text("once_key IS NOT NULL"),
            postgresql_where=sa.text("once_key IS NOT NULL"),
        )
        batch_op.drop_index("ix_form_submissions_workspace_id_form_id_id")
        batch_op.drop_index(
            "ix_form_submissions_spam",
            sqlite_where=sa.text("status = 'spam'"),
            postgresql_where=sa.text("status = 'spam'"),
        )

    op.drop_table("form_submissions")
    with op.batch_alter_table("form_counts", schema=None) as batch_op:
        batch_op.drop_index("uq_form_counts_form_id_part")

    op.drop_table("form_counts")
