"""`make migration`: what the code's tables say beyond the migrations so far becomes the next one, once."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Column, String, Table, create_engine, inspect
from sqlalchemy.pool import NullPool

from interlock.runtime import migrations, tables
from interlock.runtime.settings import Settings
from tools import migration


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the project's migrations, in force for this test."""
    copied = tmp_path / "migrations"
    shutil.copytree(migrations.script_location(), copied, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(migrations, "script_location", lambda: copied)
    return copied


@pytest.fixture
def novelty() -> Iterator[Table]:
    """A table that no migration knows."""
    table = Table("test_novelties", tables.metadata, tables.key(), Column("name", String(20), nullable=False))
    yield table
    tables.metadata.remove(table)


def test_a_new_table_becomes_the_next_migration_once(folder: Path, novelty: Table, tmp_path: Path) -> None:
    newest = max(file.read_text().split("Revision: ")[1][:4] for file in (folder / "versions").glob("*.py"))
    written = migration.write("novelties at last")
    assert written is not None
    assert written.parent == folder / "versions"
    text = written.read_text()
    assert f"down_revision = '{newest}'" in text
    assert f"revision = '{int(newest) + 1:04d}'" in text
    assert "auto generated" not in text
    settings = Settings(data_dir=tmp_path, database_url=None)
    migrations.upgrade(settings)
    engine = create_engine(migrations.sync_url(settings), poolclass=NullPool)
    assert novelty.name in inspect(engine).get_table_names()
    engine.dispose()
    assert migration.write("nothing more") is None


def test_a_migration_without_a_word_of_what_changed_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert migration.main([" "]) == 2
    assert 'm="what changed"' in capsys.readouterr().err
