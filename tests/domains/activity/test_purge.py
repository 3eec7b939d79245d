"""Old rows of the system log go in batches, so that nobody waits for all of them."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from interlock.domains.activity import jobs, repository
from interlock.domains.activity.models import system_log
from interlock.domains.activity.service import ListLog, list_
from interlock.runtime.context import NO_WORKSPACE
from interlock.runtime.invoke import invoke
from tests.support.app import Server


@pytest.mark.parametrize("batch", [2, 5, 1000])
async def test_everything_old_goes_whatever_the_size_of_a_batch(
    server: Server, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(repository, "BATCH", batch)
    for number in range(5):
        await server.post("/api/v1/agents", {"name": f"a{number}", "model": "scripted:none"})
    ctx = await server.ctx()
    async with ctx.begin() as unit:
        await (await unit.session()).execute(update(system_log).values(at=ctx.now - timedelta(days=400)))
    await server.post("/api/v1/agents", {"name": "young", "model": "scripted:none"})
    await jobs.purge(replace(ctx, workspace_id=NO_WORKSPACE))
    assert len((await invoke(ctx, list_, ListLog())).items) == 1
