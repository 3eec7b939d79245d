import json
import os
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from interlock.faces.cli.commands import checkup
from interlock.faces.cli.commands.checkup import Finding, Grade
from interlock.runtime.settings import Settings
from tests.faces.cli.conftest import Run


def _settings(data_dir: Path, **more: object) -> Settings:
    return Settings.model_validate({"data_dir": data_dir, **more})


@pytest.mark.slow_model
def test_a_healthy_server_passes_and_says_so_in_json(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        free = probe.getsockname()[1]
    monkeypatch.setenv("INTERLOCK_PORT", str(free))
    result = run("doctor", "--json")
    report = json.loads(result.stdout)
    assert (result.exit_code, report["ok"]) == (0, True)
    grades = {check["name"]: check["status"] for check in report["checks"]}
    assert len(grades) == len(checkup.CHECKS)
    assert {grades["database"], grades["master key"], grades["chat model"], grades["embedding model"]} == {"ok"}
    assert grades["model providers"] == "note"


def test_one_failure_makes_the_exit_code_1_and_comes_with_a_remedy(
    run: Run, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cheap: tuple[Callable[[Settings], Finding], ...] = (checkup.data_directory, checkup.disk_space)
    monkeypatch.setattr(checkup, "CHECKS", cheap)
    assert run("doctor").exit_code == 0
    data_dir.chmod(0o755)
    result = run("doctor")
    assert result.exit_code == 1
    unbroken = "".join(result.stdout.split())  # the table breaks a long path
    assert f"chmod700{data_dir}" in unbroken


def test_a_data_directory_that_is_a_file_fails(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert checkup.data_directory(_settings(tmp_path / "file")).grade is Grade.FAIL
    assert checkup.data_directory(_settings(tmp_path / "file" / "below")).grade is Grade.FAIL


def test_a_database_that_is_none_fails_and_one_that_is_not_there_does_not(tmp_path: Path) -> None:
    assert checkup.database(_settings(tmp_path)).grade is Grade.NOTE
    (tmp_path / "interlock.db").write_bytes(b"this is no database" * 100)
    assert checkup.database(_settings(tmp_path)).grade is Grade.FAIL


def test_a_postgres_that_does_not_answer_fails(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    found = checkup.database(_settings(tmp_path, database_url=f"postgresql://nobody@127.0.0.1:{port}/none"))
    assert found.grade is Grade.FAIL
    assert "INTERLOCK_DATABASE_URL" in str(found.remedy)


def test_a_master_key_others_can_read_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INTERLOCK_MASTER_KEY")
    assert checkup.master_key(_settings(tmp_path)).grade is Grade.NOTE
    assert not (tmp_path / "master.key").exists()
    (tmp_path / "master.key").write_text("x" * 44)
    (tmp_path / "master.key").chmod(0o644)
    assert checkup.master_key(_settings(tmp_path)).grade is Grade.FAIL


def test_a_clock_behind_the_data_fails(tmp_path: Path) -> None:
    file = tmp_path / "interlock.db"
    file.write_bytes(b"")
    assert checkup.clock(_settings(tmp_path)).grade is Grade.OK
    later = (datetime.now(UTC) + timedelta(hours=2)).timestamp()
    os.utime(file, (later, later))
    assert checkup.clock(_settings(tmp_path)).grade is Grade.FAIL


def test_a_port_in_use_fails_unless_this_server_uses_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert checkup.port(_settings(tmp_path, port=port)).grade is Grade.FAIL
        (tmp_path / "server.lock").write_text(json.dumps({"pid": os.getpid(), "port": port}))
        assert checkup.port(_settings(tmp_path, port=port)).grade is Grade.OK
    assert checkup.port(_settings(tmp_path, port=port)).grade is Grade.OK


def test_a_provider_key_is_named_but_not_shown(tmp_path: Path) -> None:
    found = checkup.provider_keys(_settings(tmp_path, anthropic_api_key="sk-ant-very-secret"))
    assert (found.grade, found.detail) == (Grade.OK, "Anthropic")
