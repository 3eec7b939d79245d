"""Worlds for the tests of governance: `world` on SQLite, `either_world` on SQLite and PostgreSQL."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from interlock.runtime.settings import Settings
from tests.domains.governance.world import World, build


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A workspace on SQLite."""
    built = await build(Settings(data_dir=tmp_path, database_url=None))
    yield built
    await built.runtime.database.close()


@pytest.fixture
async def either_world(tmp_path: Path, database_url: str | None) -> AsyncIterator[World]:
    """A workspace on SQLite, then on PostgreSQL."""
    built = await build(Settings(data_dir=tmp_path, database_url=database_url))
    yield built
    await built.runtime.database.close()
