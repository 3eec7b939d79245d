"""A server whose clock and worker are moved by hand."""

import pytest

from tests.domains.schedules.clockwork import Clockwork
from tests.support.app import Server


@pytest.fixture
async def clock(server: Server, monkeypatch: pytest.MonkeyPatch) -> Clockwork:
    """Midnight of 1 May 2026; runs are started but rest as they are."""
    return await Clockwork.over(server, monkeypatch)
