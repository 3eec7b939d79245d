"""A data directory with the embedding model, and a gateway per test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.domains.llm.gateway import Gateway, opened
from tests.support.models import SharedModel


@pytest.fixture(scope="session")
def embedding_data_dir(tmp_path_factory: pytest.TempPathFactory, shared_model: SharedModel) -> Path:
    """A data directory whose embedding model is already converted."""
    data_dir = tmp_path_factory.mktemp("embedding-data")
    shared_model.lend(data_dir)
    return data_dir


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    """A gateway on a fresh database, without providers but the built-in ones."""
    async with opened(tmp_path) as fresh:
        yield fresh
