"""Settings that would be misread are refused instead."""

import pytest
from pydantic import ValidationError

from interlock.runtime.settings import Settings


@pytest.mark.parametrize("url", ["sqlite:///x.db", "mysql://host/db", "postgresql+asyncpg://host/db", "host/db"])
def test_a_database_that_cannot_be_used_is_refused_rather_than_ignored(url: str) -> None:
    with pytest.raises(ValidationError, match="postgresql://"):
        Settings(database_url=url)


@pytest.mark.parametrize(
    ("url", "expected"), [("", False), (None, False), ("postgresql://host/db", True), ("postgres://host/db", True)]
)
def test_where_the_data_is_kept(url: str | None, expected: bool) -> None:
    assert Settings(database_url=url).is_postgres is expected
