import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from interlock import __version__, main
from interlock.faces.cli import session
from interlock.faces.cli.output import EXIT_CODES, ExitCode
from interlock.kit.errors import InterlockError, Kind
from interlock.runtime.secrets import hashed
from interlock.runtime.settings import Settings
from tests.faces.cli.conftest import Run


def test_every_kind_of_error_has_an_exit_code_that_is_not_success() -> None:
    assert set(EXIT_CODES) == set(Kind)
    assert ExitCode.OK not in EXIT_CODES.values()


def test_a_key_is_shown_once_and_kept_only_as_a_hash(run: Run, data_dir: Path) -> None:
    made = json.loads(run("keys", "create", "--name", "ci", "--scopes", "agents,workflows", "--json").stdout)
    assert made["key"].startswith("sk_live_")
    with closing(sqlite3.connect(data_dir / "interlock.db")) as database:
        hashes = {row[0] for row in database.execute("SELECT token_hash FROM api_keys")}
    assert hashed(made["key"]) in hashes
    listed = run("keys", "list", "--json").stdout
    assert made["id"] in listed
    assert made["key"] not in listed


def test_for_people_a_key_comes_out_in_one_piece(run: Run) -> None:
    assert run("keys", "create", "--name", "ci").stdout.strip().startswith("sk_live_")
    assert run("keys", "create", "--name", "ci").stdout.count("\n") == 1


def test_a_revoked_key_stays_revoked(run: Run) -> None:
    made = json.loads(run("keys", "create", "--name", "ci", "--json").stdout)
    assert json.loads(run("keys", "revoke", made["id"], "--json").stdout)["status"] == "revoked"
    again = run("keys", "revoke", made["id"])
    assert again.exit_code == ExitCode.CONFLICT
    assert again.stderr.startswith("Error: ")
    assert "Traceback" not in again.output


def test_an_unknown_scope_is_refused_by_name(run: Run) -> None:
    refused = run("keys", "create", "--name", "ci", "--scopes", "agents,everything", "--json")
    assert refused.exit_code == ExitCode.USAGE
    assert json.loads(refused.stderr)["error"]["details"]["field"] == "scopes.1"
    assert refused.stdout == ""


def test_a_key_that_is_not_there_is_not_found(run: Run) -> None:
    assert run("keys", "revoke", "key_01h455vb4pex5vsknk084sn02q").exit_code == ExitCode.NOT_FOUND


@pytest.mark.parametrize("command", [("keys", "list"), ("users", "list"), ("audit", "verify")])
def test_nothing_is_created_where_no_server_ever_started(tmp_path: Path, command: tuple[str, ...]) -> None:
    elsewhere = tmp_path / "elsewhere"
    refused = CliRunner().invoke(main.cli, [*command, "--data-dir", str(elsewhere)])
    assert refused.exit_code == ExitCode.NOT_FOUND
    assert str(elsewhere) in refused.stderr
    assert not elsewhere.exists()


def test_the_master_key_must_be_the_one_the_data_was_written_with(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERLOCK_MASTER_KEY", "b3RoZXJvdGhlcm90aGVyb3RoZXJvdGhlcm90aGVyISE=")
    refused = run("keys", "list")
    assert refused.exit_code == ExitCode.INTERNAL
    assert "master key" in refused.stderr.lower()


def test_people_are_added_once_and_can_get_a_new_password(run: Run) -> None:
    words = ("users", "add", "Bob@Example.com", "--name", "Bob", "--role", "admin", "--json")
    added = run(*words, given="long enough\n")
    assert json.loads(added.stdout)["email"] == "bob@example.com"
    assert run(*words, given="long enough\n").exit_code == ExitCode.CONFLICT
    changed = run("users", "password", "bob@example.com", "--password-stdin", given="another one\n")
    assert changed.exit_code == 0
    assert run("users", "password", "nobody@example.com", given="another one\n").exit_code == ExitCode.NOT_FOUND
    assert [user["email"] for user in json.loads(run("users", "list", "--json").stdout)][-1] == "bob@example.com"


def test_a_short_password_is_refused_without_being_repeated(run: Run) -> None:
    refused = run("users", "add", "bob@example.com", "--name", "Bob", given="hunter2\n")
    assert refused.exit_code == ExitCode.USAGE
    assert "password" in refused.stderr
    assert "hunter2" not in refused.output


def test_the_ledger_verifies_until_somebody_writes_into_it(run: Run, data_dir: Path) -> None:
    assert json.loads(run("audit", "rotate-key", "--json").stdout)["kid"]
    whole = json.loads(run("audit", "verify", "--json").stdout)
    assert (whole["valid"], whole["entries"]) == (True, 1)
    with closing(sqlite3.connect(data_dir / "interlock.db")) as database:
        triggers = database.execute("SELECT name FROM sqlite_master WHERE type='trigger' AND tbl_name='ledger_entries'")
        for (name,) in triggers.fetchall():
            database.execute(f'DROP TRIGGER "{name}"')
        database.execute("UPDATE ledger_entries SET content = replace(content, 'operator', 'somebody')")
        database.commit()
    broken = run("audit", "verify", "--json")
    assert broken.exit_code == ExitCode.FAILED
    assert json.loads(broken.stdout)["first_invalid"]["sequence"] == 1
    assert "Broken at entry 1" in run("audit", "verify").stdout


def test_a_worker_on_sqlite_says_why_not(run: Run) -> None:
    refused = run("worker")
    assert refused.exit_code == ExitCode.USAGE
    assert "INTERLOCK_DATABASE_URL" in refused.stderr


def test_a_wrong_setting_is_named_by_its_variable(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERLOCK_LOCAL_MODEL_THREADS", "many")
    refused = run("keys", "list")
    assert refused.exit_code == ExitCode.USAGE
    assert "INTERLOCK_LOCAL_MODEL_THREADS" in refused.stderr


def test_flags_override_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERLOCK_PORT", "1234")
    assert session.load_settings(port=4321).port == 4321
    assert session.load_settings(port=None).port == 1234


def test_the_openapi_document_and_the_version_are_printed() -> None:
    document = json.loads(CliRunner().invoke(main.cli, ["openapi", "--server-url", "https://x.example"]).stdout)
    assert document["servers"] == [{"url": "https://x.example"}]
    assert "/api/v1/agents" in document["paths"]
    assert json.loads(CliRunner().invoke(main.cli, ["version", "--json"]).stdout)["interlock"] == __version__


def test_mcp_wants_the_bearer_of_a_client(run: Run) -> None:
    assert run("mcp").exit_code == ExitCode.REFUSED
    assert run("mcp", "--token", "whsec_nobody").exit_code == ExitCode.REFUSED


def test_a_demo_without_a_terminal_explains_itself(run: Run) -> None:
    refused = run("demo")
    assert refused.exit_code == ExitCode.USAGE
    assert "--yes" in refused.stderr


def test_a_refused_path_is_one_line() -> None:
    error = session.unexpected(PermissionError(13, "Permission denied", "/there"))
    assert isinstance(error, InterlockError)
    assert error.message == "Permission denied (/there)."


def test_settings_flags_reach_the_data_dir(tmp_path: Path) -> None:
    assert session.load_settings(data_dir=tmp_path) == Settings(data_dir=tmp_path)
