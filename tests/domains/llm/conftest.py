"""The embedded models, loaded once: conversion and loading are the slow part of these tests."""

from pathlib import Path

import pytest

from interlock.domains.llm.embedded.embedder import EmbeddedEmbedder


@pytest.fixture(scope="session")
def embedding_data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory whose embedding model is already converted."""
    data_dir = tmp_path_factory.mktemp("embedding-data")
    EmbeddedEmbedder(data_dir).load()
    return data_dir
