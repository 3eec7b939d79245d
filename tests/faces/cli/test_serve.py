"""`interlock serve` as an operator sees it: a process with an address, an exit code and few words."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from interlock import main
from interlock.faces.cli.output import ExitCode
from tests.support.app import MASTER_KEY
from tests.support.process import ROOT

PATIENCE = 120


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("INTERLOCK_")}
    return {**kept, "PYTHONPATH": str(ROOT / "src"), "INTERLOCK_MASTER_KEY": MASTER_KEY}


def _interlock(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "interlock", *map(str, words)]
    return subprocess.run(command, env=_environment(), capture_output=True, text=True, timeout=PATIENCE, check=False)


@contextmanager
def _serving(data_dir: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    command = [sys.executable, "-m", "interlock", "serve", "--port", "0", "--json", "--data-dir", str(data_dir)]
    with subprocess.Popen(
        command, env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process, _first_document(process)
        finally:
            process.kill()
            process.communicate()


def _first_document(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    text = ""
    for line in process.stdout:
        text += line
        if line == "}\n":
            facts: dict[str, Any] = json.loads(text)
            return facts
    assert process.stderr is not None
    raise AssertionError(f"the server did not start: {process.stderr.read()}")


def test_a_first_key_is_private_even_where_a_readable_file_was(tmp_path: Path) -> None:
    path = tmp_path / "first-key"
    path.write_text("old, and longer than the new one")
    path.chmod(0o644)
    main._write_private(path, "sk_live_x")
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("sk_live_x\n", 0o600)


@pytest.mark.journey
def test_a_server_starts_on_any_free_port_is_administered_while_it_runs_and_stops_cleanly(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with _serving(data_dir) as (process, facts):
        url = facts["url"]
        assert httpx.get(f"{url}/healthz").status_code == 200
        assert (data_dir / "first-key").read_text().strip() == facts["first_key"]
        assert (data_dir / "first-key").stat().st_mode & 0o777 == 0o600

        made = json.loads(_interlock("keys", "create", "--name", "t", "--json", "--data-dir", data_dir).stdout)
        assert httpx.get(f"{url}/api/v1/agents", headers={"x-api-key": made["key"]}).json() == []

        second = _interlock("serve", "--port", 0, "--data-dir", data_dir)
        assert second.returncode == ExitCode.CONFLICT
        assert f"process id {process.pid}" in second.stderr

        same_port = _interlock("serve", "--port", url.rsplit(":", 1)[1], "--data-dir", data_dir)
        assert same_port.returncode == ExitCode.CONFLICT
        assert "data directory" in same_port.stderr

        process.terminate()
        assert process.wait(timeout=PATIENCE) == ExitCode.OK


@pytest.mark.journey
def test_a_port_of_another_program_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        refused = _interlock("serve", "--port", port, "--data-dir", tmp_path / "data", "--json")
    assert refused.returncode == ExitCode.CONFLICT
    error = json.loads(refused.stderr.splitlines()[-1])["error"]
    assert error["code"] == "port_in_use"
    assert str(port) in error["message"]
    assert refused.stdout == ""


@pytest.mark.journey
@pytest.mark.slow_model
def test_the_demo_holds(tmp_path: Path) -> None:
    told = _interlock("demo", "--yes", "--data-dir", tmp_path / "demo")
    assert told.returncode == ExitCode.OK, told.stdout + told.stderr
    assert "All 12 held." in told.stdout
    assert "scripted:refund-desk/conversation" in told.stdout
    assert "✗" not in told.stdout
