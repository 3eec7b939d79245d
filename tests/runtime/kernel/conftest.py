"""Every test of this folder runs on both databases, on a kernel without any domain."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.runtime.kernel.kernel import Kernel, create_tables, opened
from tests.support.postgres import PostgresServer


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PostgresServer) -> str:
    """A database with the kernel's tables, made once."""
    return postgres_server.ensure_template("kernel", lambda url: create_tables(url.replace("://", "+psycopg://")))


@pytest.fixture(scope="session")
def sqlite_kernel_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database with the kernel's tables, made once."""
    path = tmp_path_factory.mktemp("kernel") / "interlock.db"
    create_tables(f"sqlite:///{path}")
    return path


@pytest.fixture
def directory(tmp_path: Path, database_url: str | None, sqlite_kernel_template: Path) -> Path:
    """A data directory; on SQLite with its database."""
    if database_url is None:
        (tmp_path / "interlock.db").write_bytes(sqlite_kernel_template.read_bytes())
    return tmp_path


@pytest.fixture
async def kernel(directory: Path, database_url: str | None) -> AsyncIterator[Kernel]:
    """A kernel."""
    async with opened(directory, database_url) as made:
        yield made
