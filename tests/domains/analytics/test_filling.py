"""A database from before costs were kept by day has them after its next start."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, MetaData, Table, create_engine, select
from sqlalchemy.pool import NullPool

from interlock.domains.governance.budgets.models import spend_days
from interlock.domains.governance.budgets.views import OwnerKind
from interlock.runtime import migrations
from interlock.runtime.settings import Settings

BEFORE = "0015"
FILLERS: dict[type, Any] = {
    str: "active",
    int: 1,
    bool: False,
    dict: {},
    object: {},
    datetime: datetime(2026, 8, 1, tzinfo=UTC),
}


@pytest.fixture(scope="session")
def postgres_template() -> None:
    """Migrations begin with an empty database."""


@pytest.fixture
def older(tmp_path: Path, database_url: str | None) -> Settings:
    """A server whose last start was before this was kept."""
    settings = Settings(data_dir=tmp_path, database_url=database_url)
    plan = Config()
    plan.set_main_option("script_location", str(migrations.script_location()))
    plan.attributes["url"] = migrations.sync_url(settings)
    command.upgrade(plan, BEFORE)
    return settings


@pytest.fixture
def engine(older: Settings) -> Iterator[Engine]:
    made = create_engine(migrations.sync_url(older), poolclass=NullPool)
    yield made
    made.dispose()


def put(connection: Connection, name: str, /, **values: Any) -> UUID:
    """A row with something in every column that must have something."""
    table = Table(name, MetaData(), autoload_with=connection)
    guid: UUID = values.setdefault("guid", uuid4())
    row = {}
    for column in table.columns:
        if column.name in values:
            value = values[column.name]
            text_ids = connection.dialect.name == "sqlite" and isinstance(value, UUID)
            row[column.name] = value.hex if text_ids else value
        elif not column.nullable and column.name != "id":
            row[column.name] = FILLERS[column.type.python_type]
    connection.execute(table.insert(), row)
    return guid


def use(connection: Connection, workspace: UUID, cost: int | None, at: datetime, **values: Any) -> None:
    shown = at.replace(tzinfo=None) if connection.dialect.name == "sqlite" else at
    put(connection, "usage_entries", workspace_id=workspace, cost=cost, at=shown, reference=uuid4().hex, **values)


def test_the_money_ledger_fills_the_days(older: Settings, engine: Engine) -> None:
    workspace, other = uuid4(), uuid4()
    with engine.begin() as connection:
        agent = put(connection, "agents", workspace_id=workspace, name="Refund desk", status="active")
        model = {"kind": "model", "model": "m", "provider": "p", "agent_id": agent, "input_tokens": 10}
        use(connection, workspace, 1_500_000_000, datetime(2026, 8, 30, 23, 59, tzinfo=UTC), **model)
        use(connection, workspace, 2_000_000_000, datetime(2026, 8, 31, 0, 0, tzinfo=UTC), **model)
        use(connection, workspace, None, datetime(2026, 8, 31, 12, 0, tzinfo=UTC), **model)
        use(
            connection, workspace, 7, datetime(2026, 8, 31, 13, 0, tzinfo=UTC), kind="check", agent_id=uuid4(), tool="t"
        )
        use(connection, other, 5_000_000_000, datetime(2026, 8, 31, 13, 0, tzinfo=UTC), kind="tool", tool="t")
    migrations.upgrade(older)
    with engine.connect() as connection:
        rows = connection.execute(select(spend_days).order_by(spend_days.c.day, spend_days.c.kind.desc())).all()
    mine = [row for row in rows if row.workspace_id.int == workspace.int]
    assert len(rows) == 4
    assert [(date.fromisoformat(row.day).day, row.cost, row.calls, row.unknown) for row in mine] == [
        (30, Decimal("1.5"), 1, 0),
        (31, Decimal(2), 2, 1),
        (31, Decimal("0.000000007"), 1, 0),
    ]
    assert (mine[1].owner_kind, mine[1].owner, mine[1].owner_label) == (OwnerKind.AGENT, agent.hex, "Refund desk")
    assert (mine[1].input_tokens, mine[1].model, mine[1].provider) == (20, "m", "p")
    assert mine[2].owner_kind is OwnerKind.NAME
