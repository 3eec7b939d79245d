"""The embedded models, loaded once (conversion and loading are the slow part), and a gateway per test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from interlock.domains.llm.embedded.embedder import EmbeddedEmbedder
from tests.domains.llm.gateway import Gateway, opened


@pytest.fixture(scope="session")
def embedding_data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory whose embedding model is already converted."""
    data_dir = tmp_path_factory.mktemp("embedding-data")
    EmbeddedEmbedder(data_dir).load()
    return data_dir


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    """A gateway on a fresh database, without providers but the built-in ones."""
    async with opened(tmp_path) as fresh:
        yield fresh
