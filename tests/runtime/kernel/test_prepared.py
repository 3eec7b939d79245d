"""A prepared statement answers exactly as SQLAlchemy would, and what it cannot do is left to SQLAlchemy."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import ClassVar

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from interlock.kit.ids import TypedId
from interlock.runtime import tables
from interlock.runtime.database import Session, SqliteDatabase
from interlock.runtime.prepared import Prepared


class ThingId(TypedId):
    """An identity for the test."""

    prefix: ClassVar[str] = "thing"


things = Table(
    "prepared_things",
    MetaData(),
    tables.key(),
    tables.guid(ThingId),
    Column("name", String(20), nullable=False, unique=True),
    Column("amount", Integer),
    Column("data", tables.Json),
    tables.money("cost", nullable=True),
    tables.moment("at"),
)
INSERT = insert(things).returning(things.c.id)
BY_NAME = select(things).where(things.c.name == bindparam("name"))
RENAME = update(things).where(things.c.name == bindparam("old")).values(name=bindparam("new"))
AMONG = select(things.c.name).where(things.c.name.in_(bindparam("names", expanding=True)))
NOW = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    """A database of the test's own."""
    opened = SqliteDatabase(tmp_path / "prepared.db")
    things.create(opened.engine)
    yield opened
    await opened.close()


async def _insert(session: Session, name: str) -> int:
    row = {"guid": ThingId.new(), "name": name, "amount": 3, "data": {"a": [1]}, "cost": Decimal("0.5"), "at": NOW}
    number: int = (await session.execute(INSERT, row)).scalar_one()
    return number


async def test_the_second_execution_returns_what_the_first_did(database: SqliteDatabase) -> None:
    """Rows, mappings, types and scalars are the same on both roads."""
    session = await database.begin(write=True)
    assert [await _insert(session, name) for name in ("a", "b", "c")] == [1, 2, 3]
    first = (await session.execute(BY_NAME, {"name": "b"})).one()
    second = (await session.execute(BY_NAME, {"name": "b"})).one()
    assert isinstance(database.preparer.find(BY_NAME, {"name": "b"}), Prepared)
    assert tuple(first) == tuple(second)
    assert dict(first._mapping) == dict(second._mapping)
    assert (second.name, second.amount, second.data, second.cost, second.at) == (
        "b",
        3,
        {"a": [1]},
        Decimal("0.5"),
        NOW,
    )
    assert isinstance(second.guid, ThingId)
    assert (await session.execute(BY_NAME, {"name": "nobody"})).first() is None
    assert (await session.execute(BY_NAME, {"name": "nobody"})).all() == []
    await session.rollback()


async def test_absent_values_are_null_and_other_names_are_another_statement(database: SqliteDatabase) -> None:
    """An insert is prepared per set of columns."""
    session = await database.begin(write=True)
    for name in ("a", "b"):
        await _insert(session, name)
    for name in ("c", "d"):
        await session.execute(INSERT, {"guid": ThingId.new(), "name": name, "at": NOW})
    rows = (await session.execute(select(things.c.name, things.c.amount).order_by(things.c.id))).all()
    assert [tuple(row) for row in rows] == [("a", 3), ("b", 3), ("c", None), ("d", None)]
    await session.rollback()


async def test_a_broken_constraint_is_the_same_error(database: SqliteDatabase) -> None:
    """Callers catch SQLAlchemy's IntegrityError on either road."""
    session = await database.begin(write=True)
    await _insert(session, "a")
    await _insert(session, "b")
    with pytest.raises(IntegrityError, match="UNIQUE"):
        await _insert(session, "b")
    await session.rollback()


async def test_updates_count_their_rows(database: SqliteDatabase) -> None:
    """rowcount tells a compare-and-set whether it won."""
    session = await database.begin(write=True)
    await _insert(session, "a")
    counts = [
        (await session.execute(RENAME, {"old": old, "new": new})).rowcount
        for old, new in (("a", "b"), ("b", "c"), ("a", "d"))
    ]
    assert counts == [1, 1, 0]
    await session.rollback()


async def test_lists_that_expand_stay_with_sqlalchemy(database: SqliteDatabase) -> None:
    """An IN list has another length each time."""
    session = await database.begin(write=True)
    for name in ("a", "b", "c"):
        await _insert(session, name)
    for names in (["a"], ["a", "b"], ["a", "b", "c"]):
        found = (await session.execute(AMONG, {"names": names})).scalars().all()
        assert sorted(found) == names
    assert database.preparer.find(AMONG, {"names": ["a"]}) is None
    await session.rollback()


async def test_many_sets_of_parameters_are_prepared_too(database: SqliteDatabase) -> None:
    """Where nothing is returned, and every set has the same names."""
    session = await database.begin(write=True)
    adding = insert(things)
    for names in (["a", "b"], ["c", "d"], ["e", "f"]):
        await session.execute(adding, [{"guid": ThingId.new(), "name": name, "at": NOW} for name in names])
    many = [{"old": "a", "new": "A"}, {"old": "b", "new": "B"}]
    assert isinstance(database.preparer.find(adding, [{"guid": ThingId.new(), "name": "x", "at": NOW}]), Prepared)
    for _ in range(2):
        await session.execute(RENAME, many)
    rows = (await session.execute(select(things.c.name).order_by(things.c.id))).scalars().all()
    assert list(rows) == ["A", "B", "c", "d", "e", "f"]
    assert database.preparer.find(RENAME, [{"old": "a", "new": "b"}, {"old": "a"}]) is None
    assert database.preparer.find(INSERT, [{"guid": ThingId.new(), "name": "y", "at": NOW}]) is None
    await session.rollback()


async def test_a_broken_constraint_among_many_is_the_same_error(database: SqliteDatabase) -> None:
    """As with one set of parameters."""
    session = await database.begin(write=True)
    adding = insert(things)
    for names in (["a", "b"], ["c", "d"]):
        await session.execute(adding, [{"guid": ThingId.new(), "name": name, "at": NOW} for name in names])
    with pytest.raises(IntegrityError, match="UNIQUE"):
        await session.execute(adding, [{"guid": ThingId.new(), "name": name, "at": NOW} for name in ("e", "a")])
    await session.rollback()
