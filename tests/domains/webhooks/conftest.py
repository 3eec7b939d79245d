"""The post office of these tests."""

import pytest

from tests.domains.webhooks.post import Post
from tests.support.app import Server


@pytest.fixture
def post(server: Server) -> Post:
    """A server whose courier is watched."""
    built = Post(server)
    built.watch()
    return built
