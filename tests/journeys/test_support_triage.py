"""The support desk with `kill -9` in between: every mail gets its row once, gates survive, the ledger verifies."""

import time
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest
from rich.console import Console

from interlock.faces.cli.demo.client import Api
from interlock.faces.cli.demo.triage import desk as desks
from interlock.faces.cli.demo.triage.material import read_material
from interlock.faces.cli.demo.triage.story import tell
from interlock.runtime.settings import Settings
from tests.support.process import ServerProcess, serving
from tests.support.story import write_script

pytestmark = pytest.mark.journey

PATIENCE_SECONDS = 150
MATERIAL = read_material(Settings())


async def test_no_mail_is_lost_or_handled_twice(tmp_path: Path, database_url: str | None) -> None:
    """Killed after half of the mails came in, while all gates wait, after a decision, and after some rows."""

    def story() -> None:
        data_dir = tmp_path / "data"
        data_dir.mkdir(mode=0o700)
        model = write_script(data_dir, "opening", "Thank you for your message.")
        with serving(data_dir, database_url) as server, Api(server.base_url, server.key) as api:
            desk = desks.set_up(api, MATERIAL, model)
            early = desks.start(desk, MATERIAL.letters[:4])
            _restart(server)
            assert desks.set_up(api, MATERIAL, model) == desk
            started = desks.start(desk, MATERIAL.letters)
            assert started | early == started
            gates = _until_all_wait(api)
            _restart(server)
            assert _until_all_wait(api) == gates
            first = MATERIAL.letters[0]
            path = f"/api/v1/approvals/{gates[started[first.id]]}/reject"
            api.post(path, {"comment": "not like this"})
            _restart(server)
            for letter in MATERIAL.letters[:3]:
                run = desks.decided(desk, started[letter.id], lambda _approval: True)
                desks.write_down(desk, letter, run)
            _restart(server)
            checks = tell(Console(quiet=True), api, MATERIAL, model, yes=True)
            assert [check for check in checks if not check.holds] == []
            decisions = {row["data"]["Mail"]: row["data"]["Decision"] for row in desks.rows_of(desk)}
            wanted = {letter.id: "approved" for letter in MATERIAL.letters} | {first.id: "refused"}
            assert decisions == wanted
            assert len(desks.runs_of(desk)) == len(MATERIAL.letters)

    await anyio.to_thread.run_sync(story)


def _restart(server: ServerProcess) -> None:
    server.kill()
    server.start()


def _until_all_wait(api: Api) -> dict[str, Any]:
    """The pending approvals by their runs, once every mail has one."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        pending = api.get("/api/v1/approvals", status="pending", limit=200)
        if len(pending) == len(MATERIAL.letters):
            return {approval["run_id"]: approval["id"] for approval in pending}
        assert time.monotonic() < deadline, pending
        time.sleep(0.05)
