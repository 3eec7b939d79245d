"""Backups: taken under a write load they hold together, and they come back only where they fit."""

import asyncio
import gzip
import io
import sqlite3
import tarfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from interlock import main
from interlock.domains.accounts.service.operator import operator
from interlock.domains.governance.ledger import service as ledger
from interlock.domains.governance.ledger.service import VerifyLedger
from interlock.kit.errors import InterlockError
from interlock.runtime import backup, restoring
from interlock.runtime.invoke import invoke
from interlock.runtime.settings import Settings
from tests.support.app import MASTER_KEY, Server

NOW = datetime(2026, 5, 1, 12, 30, tzinfo=UTC)
ONE_DATABASE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def quiet(_doing: str, _percent: int) -> None:
    """Progress that nobody looks at."""


def taken(settings: Settings, **more: Any) -> backup.Copy:
    target = backup.folder_of(settings) / backup.new_name(NOW)
    return backup.write(settings, target, NOW, quiet, with_master_key=more.get("with_master_key", False))


def elsewhere(settings: Settings, tmp_path: Path, **more: Any) -> Settings:
    return settings.model_copy(update={"data_dir": tmp_path / "elsewhere", **more})


@ONE_DATABASE
async def test_a_backup_under_write_load_restores_to_a_ledger_that_verifies(server: Server, tmp_path: Path) -> None:
    settings, stop, begun, written = server.runtime.settings, asyncio.Event(), asyncio.Event(), 0

    async def write_on() -> None:
        nonlocal written
        while not stop.is_set():
            made = await server.post("/api/v1/check-action", {"tool": "slack.post", "args": {"n": written}})
            assert made.status_code == 200, made.text
            written += 1
            await asyncio.sleep(0)  # on SQLite nothing else in here ever waits
            if written == 20:
                begun.set()

    writing = asyncio.create_task(write_on())
    async with asyncio.timeout(30):
        await asyncio.wait([writing, asyncio.create_task(begun.wait())], return_when=asyncio.FIRST_COMPLETED)
    assert begun.is_set(), writing
    before = written
    steps: list[str] = []
    target = backup.folder_of(settings) / backup.new_name(NOW)
    copy = await asyncio.to_thread(
        backup.write, settings, target, NOW, lambda doing, _: steps.append(doing), with_master_key=False
    )
    during = written - before
    stop.set()
    await writing
    assert during > 0
    assert list(dict.fromkeys(steps)) == ["copying", "checking", "packing", "verifying"]
    fresh = elsewhere(settings, tmp_path)
    restoring.restore(fresh, copy.path, NOW, replace=False)
    async with main.opened(fresh) as runtime:
        found = await invoke(await operator(runtime, face="test"), ledger.verify, VerifyLedger())
    assert found.valid
    assert before <= found.entries <= written


@ONE_DATABASE
async def test_a_copy_is_private_and_holds_no_master_key_unless_asked(server: Server, tmp_path: Path) -> None:
    home = tmp_path / "keyed"
    settings = server.runtime.settings.model_copy(update={"data_dir": home, "master_key": None})
    async with main.opened(settings_made(settings)):
        pass
    (home / "scripts").mkdir()
    (home / "scripts" / "desk.yaml").write_text("name: desk")
    (home / "scripts" / "desk.yaml").chmod(0o644)
    plain, whole = taken(settings), taken(settings, with_master_key=True)
    assert (plain.has_master_key, whole.has_master_key) == (False, True)
    assert [copy.path.stat().st_mode & 0o777 for copy in (plain, whole)] == [0o600, 0o600]
    key = (home / "master.key").read_bytes()
    assert key not in gzip.decompress(plain.path.read_bytes())
    assert key in gzip.decompress(whole.path.read_bytes())
    with pytest.raises(InterlockError) as raised:
        restoring.restore(elsewhere(settings, tmp_path), plain.path, NOW, replace=False)
    assert raised.value.code == "master_key_wrong"
    there = elsewhere(settings, tmp_path)
    restoring.restore(there, whole.path, NOW, replace=False)
    assert (there.data_dir / "scripts" / "desk.yaml").read_text() == "name: desk"
    assert (there.data_dir / "master.key").stat().st_mode & 0o777 == 0o600
    async with main.opened(there):
        pass


def settings_made(settings: Settings) -> Settings:
    settings.data_dir.mkdir(mode=0o700, exist_ok=True)
    return settings


@ONE_DATABASE
async def test_data_that_is_there_is_refused_or_moved_aside(server: Server, tmp_path: Path) -> None:
    copy = taken(server.runtime.settings)
    there = elsewhere(server.runtime.settings, tmp_path)
    restoring.restore(there, copy.path, NOW, replace=False)
    with closing(sqlite3.connect(there.data_dir / "interlock.db")) as changed:
        changed.execute("UPDATE workspaces SET name = 'changed'")
        changed.commit()
    with pytest.raises(InterlockError) as raised:
        restoring.restore(there, copy.path, NOW, replace=False)
    assert raised.value.code == "data_exists"
    _, aside = restoring.restore(there, copy.path, NOW, replace=True)
    assert aside is not None
    names = []
    for file in (aside / "interlock.db", there.data_dir / "interlock.db"):
        with closing(sqlite3.connect(file)) as reading:
            names.append(reading.execute("SELECT name FROM workspaces").fetchone()[0])
    assert names == ["changed", "default"]


@ONE_DATABASE
async def test_a_running_server_is_not_restored_over(server: Server) -> None:
    copy = taken(server.runtime.settings)
    with pytest.raises(InterlockError) as raised:
        restoring.restore(server.runtime.settings, copy.path, NOW, replace=True)
    assert raised.value.code == "data_dir_in_use"


def archive(path: Path, **members: bytes) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, content in members.items():
            facts = tarfile.TarInfo(name.replace("__", "/").replace("_dot_", "."))
            facts.size = len(content)
            tar.addfile(facts, io.BytesIO(content))
    return path


def manifest(**more: Any) -> bytes:
    facts = {"product": "interlock", "format": 1, "version": "9", "schema": "0001", "files": {}}
    return orjson.dumps({**facts, "created_at": "2026-01-01T00:00:00Z", "master_key_fingerprint": "x", **more})


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"holiday_dot_jpg": b"x"}, "backup_foreign"),
        ({"manifest_dot_json": b"no json"}, "backup_foreign"),
        ({"manifest_dot_json": manifest(product="other")}, "backup_foreign"),
        ({"manifest_dot_json": manifest(format=2)}, "backup_too_new"),
        ({"manifest_dot_json": manifest()}, "backup_damaged"),
        ({"manifest_dot_json": manifest(), "__etc__passwd": b"x"}, "backup_damaged"),
        (
            {
                "manifest_dot_json": manifest(files={"scripts/../../x": {"size": 1, "sha256": ""}}),
                "scripts__dot_dot____dot_dot___x": b"x",
            },
            "backup_damaged",
        ),
    ],
)
def test_what_is_no_backup_is_refused(tmp_path: Path, members: dict[str, bytes], code: str) -> None:
    file = archive(tmp_path / "x.tar.gz", **members)
    with pytest.raises(InterlockError) as raised:
        restoring.restore(Settings(data_dir=tmp_path / "data"), file, NOW, replace=False)
    assert raised.value.code == code
    assert not (tmp_path / "data" / "interlock.db").exists()


@ONE_DATABASE
async def test_a_damaged_or_newer_backup_is_refused(server: Server, tmp_path: Path) -> None:
    settings = server.runtime.settings
    copy, there = taken(settings), elsewhere(settings, tmp_path)
    whole = copy.path.read_bytes()
    for number, content in enumerate((whole[: len(whole) // 2], b"nothing of the kind", b"")):
        file = tmp_path / f"{number}.tar.gz"
        file.write_bytes(content)
        with pytest.raises(InterlockError) as raised:
            restoring.restore(there, file, NOW, replace=False)
        assert raised.value.code == "backup_damaged"
    with closing(sqlite3.connect(settings.data_dir / "interlock.db")) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.commit()
    with pytest.raises(InterlockError) as raised:
        restoring.restore(there, taken(settings).path, NOW, replace=False)
    assert raised.value.code == "schema_too_new"
    assert not (there.data_dir / "interlock.db").exists()


def test_postgres_is_told_of_its_own_tools(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, database_url="postgresql://nowhere/x")
    with pytest.raises(InterlockError, match="PostgreSQL") as raised:
        backup.write(settings, tmp_path / "x.tar.gz", NOW, quiet, with_master_key=False)
    assert "pg_dump" in (raised.value.hint or "")
    assert MASTER_KEY


@ONE_DATABASE
async def test_over_http_a_backup_is_begun_listed_downloaded_and_deleted(server: Server, tmp_path: Path) -> None:
    begun = await server.post("/api/v1/backups")
    assert begun.status_code == 202, begun.text
    name = begun.json()["name"]
    async with asyncio.timeout(30):
        while not (listed := (await server.get("/api/v1/backups")).json())["items"]:
            assert listed["work"]["error"] is None
    assert [item["name"] for item in listed["items"]] == [name]
    sent = await server.get(f"/api/v1/backups/{name}/download")
    assert sent.status_code == 200
    (tmp_path / name).write_bytes(sent.content)
    restoring.restore(elsewhere(server.runtime.settings, tmp_path), tmp_path / name, NOW, replace=False)
    assert (await server.get("/api/v1/backups/..%2Finterlock.db/download")).status_code == 404
    assert (await server.get("/api/v1/backups/interlock.db/download")).status_code == 404
    assert (await server.delete(f"/api/v1/backups/{name}")).status_code == 200
    assert (await server.get("/api/v1/backups")).json()["items"] == []


@ONE_DATABASE
async def test_another_workspace_sees_nothing_of_backups(server: Server) -> None:
    stranger = await server.another_workspace()
    assert (await server.get("/api/v1/backups", key=stranger)).status_code == 403
    assert (await server.post("/api/v1/backups", key=stranger)).status_code == 403


async def test_the_list_says_what_cannot_be_made_here(server: Server) -> None:
    listed = (await server.get("/api/v1/backups")).json()
    is_postgres = server.runtime.settings.is_postgres
    assert (listed["unavailable"] is not None) == is_postgres
    if is_postgres:
        assert (await server.post("/api/v1/backups")).status_code == 503
