"""Migrations: every start brings the schema to what the code says, and refuses what it does not know."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, MetaData, Table, create_engine, inspect, text
from sqlalchemy.pool import NullPool

from interlock import main
from interlock.kit.errors import InterlockError, Kind
from interlock.runtime import migrations, tables
from interlock.runtime.durable import servers
from interlock.runtime.search import schema
from interlock.runtime.settings import Settings


@pytest.fixture(scope="session")
def postgres_template() -> None:
    """Migrations begin with an empty database."""


@pytest.fixture
def empty(tmp_path: Path, database_url: str | None) -> Settings:
    """Settings of a server that has never been started."""
    return Settings(data_dir=tmp_path, database_url=database_url)


@pytest.fixture
def engine(empty: Settings) -> Iterator[Engine]:
    """A look at the database from outside."""
    made = create_engine(migrations.sync_url(empty), poolclass=NullPool)
    yield made
    made.dispose()


def ours() -> MetaData:
    """The tables of the product; tests of other folders put some of their own beside them."""
    assert main.DOMAINS, "importing main registers every table of the domains"
    assert servers.server_rows.metadata is tables.metadata, "and this one belongs to the distributed engine"
    product = MetaData()
    for table in tables.metadata.sorted_tables:
        if not table.name.startswith("test_"):
            table.to_metadata(product)
    return product


def heads(connection: Connection) -> tuple[str, ...]:
    return MigrationContext.configure(connection).get_current_heads()


def test_the_migrated_schema_is_the_one_the_code_describes(empty: Settings, engine: Engine) -> None:
    migrations.upgrade(empty)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_name": schema.is_ours})
        assert compare_metadata(context, ours()) == []
        assert set(filter(schema.is_ours, inspect(connection).get_table_names())) == {*ours().tables, "alembic_version"}


def test_migrating_again_changes_nothing(empty: Settings, engine: Engine) -> None:
    migrations.upgrade(empty)
    with engine.connect() as connection:
        before = heads(connection)
    migrations.upgrade(empty)
    with engine.connect() as connection:
        assert heads(connection) == before
        assert len(before) == 1


def test_constraints_and_triggers_are_migrated_too(empty: Settings, engine: Engine, tmp_path: Path) -> None:
    migrations.upgrade(empty)
    fresh = create_engine(f"sqlite:///{tmp_path / 'fresh.db'}", poolclass=NullPool)
    if empty.is_postgres:
        with engine.connect() as connection:
            migrated = facts(connection)
        with engine.begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
            tables.metadata.create_all(connection, tables=product_tables())
        with engine.connect() as connection:
            assert migrated == facts(connection)
        return
    with fresh.begin() as connection:
        tables.metadata.create_all(connection, tables=product_tables())
    with fresh.connect() as described, engine.connect() as connection:
        assert facts(connection) == facts(described)
    fresh.dispose()


def product_tables() -> list[Table]:
    return [table for table in tables.metadata.sorted_tables if not table.name.startswith("test_")]


def facts(connection: Connection) -> set[tuple[str, ...]]:
    """Checks, unique keys and triggers, by table and name."""
    inspector = inspect(connection)
    found: set[tuple[str, ...]] = set()
    for table in inspector.get_table_names():
        if table == "alembic_version":
            continue
        checks = inspector.get_check_constraints(table)
        found |= {("check", table, str(check["name"]), check["sqltext"].replace('"', "")) for check in checks}
        found |= {("unique", table, *unique["column_names"]) for unique in inspector.get_unique_constraints(table)}
    if connection.dialect.name == "sqlite":
        triggers = connection.execute(text("SELECT tbl_name, name FROM sqlite_master WHERE type = 'trigger'"))
    else:
        triggers = connection.execute(
            text("SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE NOT tgisinternal")
        )
    return found | {("trigger", table, name) for table, name in triggers}


def test_a_database_of_a_newer_version_is_refused_untouched(empty: Settings, engine: Engine) -> None:
    migrations.upgrade(empty)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'from_the_future'"))
    with pytest.raises(InterlockError) as caught:
        migrations.upgrade(empty)
    assert (caught.value.kind, caught.value.code) == (Kind.UNAVAILABLE, "schema_too_new")
    assert "from_the_future" in caught.value.message
    assert caught.value.hint
    with engine.connect() as connection:
        assert heads(connection) == ("from_the_future",)
