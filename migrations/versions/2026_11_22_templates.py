"""templates

Revision: 0014
Follows: 0013
Date: 2026-11-22 02:59:45.914816
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "template_installs",
        sa.Column("template_id", sa.String(length=80), nullable=False),
        sa.Column("installs", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("template_id", name=op.f("pk_template_installs")),
    )


def downgrade() -> None:
    """Undo."""
    op.drop_table("template_installs")
