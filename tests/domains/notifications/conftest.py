"""The desk of these tests: a server beside a sandbox, whose retries follow at once."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from interlock.domains.notifications import delivery
from interlock.domains.tools.adapters import call
from interlock.sandbox import serve
from tests.domains.notifications.desk import Desk
from tests.support.app import Server


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts follow one another without a pause."""
    monkeypatch.setattr(call, "_FIRST_PAUSE", 0.0)
    monkeypatch.setattr(delivery, "PAUSES", (timedelta(0),) * len(delivery.PAUSES))


@pytest.fixture
async def desk(server: Server) -> AsyncIterator[Desk]:
    """All accounts but Slack's and the mailbox are connected."""
    async with serve() as sandbox:
        built = Desk(server, sandbox)
        built.performed.watch(server.runtime.jobs)
        await built.connect("hubspot", "stripe")
        yield built
