"""Schedules over downtimes and servers: killed at any moment, or shared by two servers, each due moment is one run."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio.to_thread
import httpx
import pytest
from sqlalchemy import create_engine, delete, select, update

from interlock.domains.schedules.models import schedules
from interlock.runtime import migrations
from interlock.runtime.jobs import job_rows
from interlock.runtime.settings import Settings
from tests.support.process import ServerProcess, serving

pytestmark = pytest.mark.journey

PATIENCE_SECONDS = 60
THREE_HOURS = timedelta(hours=3)


async def test_a_killed_server_makes_up_for_its_downtime_once(tmp_path: Path, database_url: str | None) -> None:
    """Killed before anything is due, down for three hours, then killed again and again while it catches up."""

    def story() -> None:
        with serving(tmp_path / "data", database_url) as server:
            hourly, soon = _plan(server, {"text": "every hour"}), _plan(server, _in_seconds(2))
            server.kill()
            _was_due(tmp_path / "data", database_url, THREE_HOURS)
            server.start()
            for _ in range(3):
                server.kill()
                server.start()
            (caught,) = _until(server, hourly)
            assert (caught["status"], caught["missed"]) in {("caught_up", 3), ("caught_up", 4)}
            (fired,) = _until(server, soon)
            assert fired["status"] in {"fired", "caught_up"}
            runs = server.request("GET", "/api/v1/runs").json()
            assert {run["run_id"] for run in runs} == {caught["run_id"], fired["run_id"]}
            assert server.request("GET", f"/api/v1/schedules/{soon}").json()["status"] == "exhausted"

    await anyio.to_thread.run_sync(story)


@pytest.mark.postgres
async def test_two_servers_fire_once(tmp_path: Path, postgres_url: str) -> None:
    """Both servers wait for the same moments; each of them brings one run."""

    def story() -> None:
        with (
            serving(tmp_path / "one", postgres_url) as first,
            serving(tmp_path / "two" / "data", postgres_url) as other,
        ):
            other_reads = ServerProcess(tmp_path / "one", postgres_url, port=other.port)
            plans = [_plan(first, _in_seconds(3)) for _ in range(12)]
            firings = [_until(other_reads, key) for key in plans]
            assert [len(found) for found in firings] == [1] * len(plans)
            runs = other_reads.request("GET", "/api/v1/runs").json()
            assert sorted(run["run_id"] for run in runs) == sorted(found[0]["run_id"] for found in firings)

    await anyio.to_thread.run_sync(story)


def _in_seconds(seconds: int) -> dict[str, str]:
    at = datetime.now(UTC) + timedelta(seconds=seconds)
    return {"kind": "one_shot", "spec": at.isoformat(timespec="seconds")}


def _plan(server: ServerProcess, when: dict[str, str]) -> str:
    agent = server.request("POST", "/api/v1/agents", {"name": "clerk", "model": "scripted:nothing"}).json()["id"]
    made = server.request("POST", "/api/v1/schedules", {"name": "round", "agent_id": agent, **when})
    assert made.status_code == httpx.codes.OK, made.text
    return str(made.json()["id"])


def _until(server: ServerProcess, schedule: str) -> list[dict[str, Any]]:
    """The firings of a schedule, once there is one."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found: list[dict[str, Any]] = server.request("GET", f"/api/v1/schedules/{schedule}/firings").json()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"it did not fire:\n{server.log()[-4000:]}")


def _was_due(data_dir: Path, database_url: str | None, ago: timedelta) -> None:
    """Have the hourly schedule wait for a moment that is past, without its job: a downtime, and a backup brought in."""
    engine = create_engine(migrations.sync_url(Settings(data_dir=data_dir, database_url=database_url)))
    past = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - ago
    hourly = schedules.c.spec == "0 * * * *"
    with engine.begin() as connection:
        connection.execute(delete(job_rows).where(job_rows.c.guid.in_(select(schedules.c.job_id).where(hourly))))
        connection.execute(update(schedules).where(hourly).values(next_fire_at=past))
    engine.dispose()
