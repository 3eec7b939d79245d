"""A whole server inside the test process: fixtures for its settings, runtime, HTTP client and first key."""

import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from interlock import main
from interlock.domains.accounts.service import first_start
from interlock.domains.accounts.service.identify import anonymous, identify
from interlock.runtime import migrations
from interlock.runtime.context import Ctx, Runtime
from interlock.runtime.lazy import lazy
from interlock.runtime.settings import Settings
from tests.support.postgres import PostgresServer

dbos: Any = lazy("dbos")
MASTER_KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
LOOPBACK = "127.0.0.0/8"


@dataclass(frozen=True)
class Server:
    """A started server, reached through its ASGI application."""

    runtime: Runtime
    http: httpx.AsyncClient
    key: str

    async def ctx(self, credential: str | None = None) -> Ctx:
        """A context as a face would build it, for the first key or another credential."""
        return await identify(self.runtime, credential or self.key, request_id="test", face="test")

    async def another_workspace(self) -> str:
        """A key of a second workspace on the same server."""
        async with anonymous(self.runtime, request_id="test", face="test").begin() as ctx:
            return (
                await first_start.found_another(ctx, workspace_name="other", owner_email="other@example.com")
            ).secret

    async def post(self, path: str, body: Any = None, *, key: str | None = None) -> httpx.Response:
        """POST JSON with the first key, or another."""
        return await self.http.post(path, json={} if body is None else body, headers={"x-api-key": key or self.key})

    async def get(self, path: str, *, key: str | None = None, **params: Any) -> httpx.Response:
        """GET with the first key, or another."""
        return await self.http.get(path, params=params, headers={"x-api-key": key or self.key})

    async def patch(self, path: str, body: Any, *, key: str | None = None) -> httpx.Response:
        """PATCH JSON with the first key, or another."""
        return await self.http.patch(path, json=body, headers={"x-api-key": key or self.key})

    async def delete(self, path: str, *, key: str | None = None) -> httpx.Response:
        """DELETE with the first key, or another."""
        return await self.http.delete(path, headers={"x-api-key": key or self.key})


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite database to copy."""
    folder = tmp_path_factory.mktemp("schema")
    migrations.upgrade(Settings(data_dir=folder, database_url=None))
    return folder / "interlock.db"


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PostgresServer) -> str:
    """A migrated, empty PostgreSQL database to copy."""
    return postgres_server.ensure_template("interlock_schema", _migrate)


def _migrate(url: str) -> None:
    """Our tables and those of the distributed engine, which would else make them at every start on a fresh copy."""
    migrations.upgrade(Settings(database_url=url))
    dbos.DBOS.migrate(url)


@pytest.fixture
def settings(tmp_path: Path, database_url: str | None, sqlite_template: Path) -> Settings:
    """Settings of a test server: its own data directory, a known master key, loopback allowed, generous limits."""
    data_dir = tmp_path / "data"
    data_dir.mkdir(mode=0o700)
    if database_url is None:
        shutil.copy(sqlite_template, data_dir / "interlock.db")
    return Settings.model_validate(
        {
            "data_dir": data_dir,
            "database_url": database_url,
            "master_key": MASTER_KEY,
            "http_allow_private": LOOPBACK,
            "allowed_hosts": "testserver",
            "rate_limit_per_minute": 100_000,
            "embed_rate_limit_per_minute": 100_000,
            "hook_rate_limit_per_minute": 100_000,
            "local_model_threads": 1,
        }
    )


@pytest.fixture
async def server(settings: Settings) -> AsyncIterator[Server]:
    """A running server with its first workspace."""
    async with main.running(settings) as runtime:
        key = await main.first_key(runtime)
        assert key is not None
        transport = httpx.ASGITransport(app=main.create_app(runtime))
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
            yield Server(runtime, http, key)
