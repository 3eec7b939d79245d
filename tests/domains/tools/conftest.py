"""Worlds for the tests of tools: `world` on SQLite, `either_world` on SQLite and PostgreSQL, all accounts connected."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from interlock.domains.tools.adapters import call
from interlock.runtime.settings import Settings
from interlock.sandbox import Sandbox, serve
from tests.domains.tools.world import ToolWorld, build_world


def _settings(folder: Path, database_url: str | None) -> Settings:
    values: dict[str, Any] = {
        "data_dir": folder,
        "database_url": database_url,
        "http_allow_private": "127.0.0.0/8",
        "http_timeout_seconds": 0.5,
    }
    return Settings.model_validate(values)


async def _close(world: ToolWorld) -> None:
    await world.base.runtime.http.close()
    await world.base.runtime.database.close()


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries follow one another without a pause."""
    monkeypatch.setattr(call, "_FIRST_PAUSE", 0.0)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """The pretend outside world."""
    async with serve() as running:
        yield running


@pytest.fixture
async def world(tmp_path: Path, sandbox: Sandbox) -> AsyncIterator[ToolWorld]:
    """A workspace on SQLite."""
    built = await build_world(_settings(tmp_path, None), sandbox)
    await built.connect()
    yield built
    await _close(built)


@pytest.fixture
async def either_world(tmp_path: Path, database_url: str | None, sandbox: Sandbox) -> AsyncIterator[ToolWorld]:
    """A workspace on SQLite, then on PostgreSQL."""
    built = await build_world(_settings(tmp_path, database_url), sandbox)
    await built.connect()
    yield built
    await _close(built)
