import asyncio
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from interlock import main
from interlock.runtime.settings import Settings
from tests.support.app import MASTER_KEY

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("INTERLOCK_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("INTERLOCK_MASTER_KEY", MASTER_KEY)


@pytest.fixture
def data_dir(tmp_path: Path, sqlite_template: Path, _clean_environment: None) -> Path:
    """The data of a server that has started once."""
    directory = tmp_path / "data"
    directory.mkdir(mode=0o700)
    shutil.copy(sqlite_template, directory / "interlock.db")

    async def first_start() -> None:
        async with main.running(Settings(data_dir=directory)) as runtime:
            assert await main.first_key(runtime) is not None

    asyncio.run(first_start())
    return directory


@pytest.fixture
def run(data_dir: Path) -> Run:
    """Run a command on that data."""

    def invoke(*words: str, given: str | None = None) -> Result:
        return CliRunner().invoke(main.cli, [*words, "--data-dir", str(data_dir)], input=given)

    return invoke
