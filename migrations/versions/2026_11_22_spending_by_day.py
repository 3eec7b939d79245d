"""Spending by day: what each day cost, by model, tool, owner and caller; filled from the money ledger.

Revision: 0021
Follows: 0020
Date: 2026-11-22 05:15:16.820414
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


# Who made a call was not kept until now. Agents of programs that act themselves are known by a hash of their name only.
FILL = """
INSERT INTO spend_days (
    workspace_id, day, kind, model, provider, tool, owner_kind, owner, caller_kind, caller, owner_label, caller_label,
    cost, attributed, calls, "unknown", input_tokens, output_tokens, cached_tokens
)
SELECT
    used.workspace_id, {day}, used.kind,
    coalesce(used.model, ''), coalesce(used.provider, ''), coalesce(used.tool, ''),
    CASE
        WHEN used.agent_id IS NULL THEN 'none'
        WHEN max(workflows.name) IS NOT NULL THEN 'workflow'
        WHEN max(agents.name) IS NULL AND used.kind = 'check' THEN 'name'
        ELSE 'agent'
    END,
    coalesce({owner}, ''), '', '',
    coalesce(max(workflows.name), max(agents.name), CASE WHEN used.kind = 'check' THEN 'earlier agents' ELSE '' END),
    '',
    sum(coalesce(used.cost, 0)), 0, count(*), count(*) - count(used.cost),
    sum(used.input_tokens), sum(used.output_tokens), sum(used.cached_tokens)
FROM usage_entries AS used
LEFT JOIN agents ON agents.guid = used.agent_id AND agents.workspace_id = used.workspace_id
LEFT JOIN workflows ON workflows.guid = used.agent_id AND workflows.workspace_id = used.workspace_id
GROUP BY used.workspace_id, {day}, used.kind, used.model, used.provider, used.tool, used.agent_id
"""
WORDS = {
    "sqlite": {"day": "substr(used.at, 1, 10)", "owner": "used.agent_id"},
    "postgresql": {
        "day": "to_char(used.at AT TIME ZONE 'UTC', 'YYYY-MM-DD')",
        "owner": "replace(CAST(used.agent_id AS text), '-', '')",
    },
}


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "spend_days",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("provider", sa.String(length=120), nullable=False),
        sa.Column("tool", sa.String(length=200), nullable=False),
        sa.Column("owner_kind", sa.String(length=40), nullable=False),
        sa.Column("owner", sa.String(length=32), nullable=False),
        sa.Column("caller_kind", sa.String(length=40), nullable=False),
        sa.Column("caller", sa.String(length=80), nullable=False),
        sa.Column("owner_label", sa.String(length=200), nullable=False),
        sa.Column("caller_label", sa.String(length=200), nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=False),
        sa.Column("attributed", sa.BigInteger(), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.Column("unknown", sa.BigInteger(), nullable=False),
        sa.Column("input_tokens", sa.BigInteger(), nullable=False),
        sa.Column("output_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cached_tokens", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("kind IN ('model', 'tool', 'check', 'chat')", name=op.f("ck_spend_days_kind")),
        sa.CheckConstraint(
            "owner_kind IN ('none', 'agent', 'workflow', 'name')", name=op.f("ck_spend_days_owner_kind")
        ),
        sa.CheckConstraint("cost >= 0", name=op.f("ck_spend_days_cost")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_spend_days")),
    )
    with op.batch_alter_table("spend_days", schema=None) as batch_op:
        batch_op.create_index(
            "uq_spend_days_key",
            [
                "workspace_id",
                "day",
                "kind",
                "model",
                "provider",
                "tool",
                "owner_kind",
                "owner",
                "caller_kind",
                "caller",
            ],
            unique=True,
        )
    op.execute(sa.text(FILL.format(**WORDS[op.get_bind().dialect.name])))


def downgrade() -> None:
    """Undo."""
    with op.batch_alter_table("spend_days", schema=None) as batch_op:
        batch_op.drop_index("uq_spend_days_key")

    op.drop_table("spend_days")
