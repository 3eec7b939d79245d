"""Every test of this folder runs on each engine: embedded on SQLite and on PostgreSQL, and DBOS."""

from pathlib import Path

import pytest

from tests.runtime.durable.world import Backend
from tests.support.postgres import PostgresServer

TEMPLATE = "durable"


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PostgresServer) -> str:
    """A database with all tables, made once."""
    return postgres_server.ensure_template(TEMPLATE, lambda url: Backend("dbos", Path(), url).create_tables())


@pytest.fixture(scope="session")
def postgres_is_new() -> bool:
    """Engines are left as a crash would leave them."""
    return True


@pytest.fixture(params=["sqlite", *(pytest.param(kind, marks=pytest.mark.postgres) for kind in ("postgres", "dbos"))])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Backend:
    """An empty place to run on."""
    if request.param == "sqlite":
        made = Backend("sqlite", tmp_path)
        made.create_tables()
        return made
    return Backend(request.param, tmp_path, request.getfixturevalue("postgres_url"))
