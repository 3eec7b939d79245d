"""A full disk, a locked file, a server that went away: said as such, and nothing half-written."""

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from interlock.kit.errors import InterlockError, Kind
from interlock.runtime import database
from interlock.runtime.database import PostgresDatabase, is_database_trouble
from tests.runtime.kernel.kernel import Kernel, add, opened, things
from tests.support.ports import free_port

PATIENCE = 20.0
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
ON_POSTGRES = pytest.mark.parametrize(
    "database_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)
# Lets no file grow beyond its first argument, as a disk does that fails to take more; then writes until told off.
VICTIM = """
import asyncio, resource, signal, sys
from pathlib import Path
from interlock.kit.errors import InterlockError
from tests.runtime.kernel.kernel import add, opened

async def main():
    async with opened(Path(sys.argv[2]), None) as kernel:
        written = 0
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
        try:
            while True:
                async with kernel.ctx().begin() as inner:
                    for index in range(10):
                        await add(inner, f"thing {written}.{index} " + "x" * 50)
                written += 10
        except InterlockError as error:
            print(written, error.kind.value, error.code)
asyncio.run(main())
"""
HOLDER = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
time.sleep(0.3)
connection.execute("ROLLBACK")
"""


@pytest.fixture
async def impatient(
    directory: Path, database_url: str | None, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Kernel]:
    """A kernel that waits a tenth of a second for a lock instead of five."""
    monkeypatch.setattr(database, "_BUSY_SECONDS", 0.1)
    async with opened(directory, database_url) as made:
        yield made


def other_program(kernel: Kernel) -> sqlite3.Connection:
    """Somebody else with the file open."""
    return sqlite3.connect(kernel.directory / "interlock.db", isolation_level=None)


@ON_SQLITE
async def test_a_full_database_is_said_and_loses_nothing(kernel: Kernel) -> None:
    await kernel.add("before")
    async with kernel.ctx().begin() as inner:
        session = await inner.session()
        pages: int = (await session.execute(text("PRAGMA page_count"))).scalar_one()
        await session.execute(text(f"PRAGMA max_page_count = {pages + 2}"))
    with pytest.raises(InterlockError) as caught:  # noqa: PT012 - the block is the unit of work
        async with kernel.ctx().begin() as inner:
            for index in range(10_000):
                await add(inner, f"thing {index} " + "x" * 60)
    assert (caught.value.kind, caught.value.code) == (Kind.UNAVAILABLE, "disk_full")
    assert caught.value.hint
    assert await kernel.names() == ["before"]
    async with kernel.ctx().begin() as inner:
        await (await inner.session()).execute(text("PRAGMA max_page_count = 1000000"))
    await kernel.add("after")
    assert await kernel.names() == ["before", "after"]


def test_a_disk_that_takes_no_more_is_said_and_loses_nothing(tmp_path: Path, sqlite_kernel_template: Path) -> None:
    (tmp_path / "interlock.db").write_bytes(sqlite_kernel_template.read_bytes())
    program = subprocess.run(
        [sys.executable, "-c", VICTIM, "400000", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    written, kind, code = program.stdout.split()
    assert (kind, code) in {("unavailable", "disk_full"), ("unavailable", "disk_error")}
    with sqlite3.connect(tmp_path / "interlock.db") as survivor:
        assert survivor.execute("SELECT count(*) FROM things").fetchone() == (int(written),)
        assert survivor.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert int(written) > 0


@ON_SQLITE
async def test_a_locked_database_is_said_and_works_again_afterwards(impatient: Kernel) -> None:
    await impatient.add("before")
    holder = other_program(impatient)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(InterlockError) as caught:
        await impatient.add("refused")
    assert (caught.value.kind, caught.value.code) == (Kind.UNAVAILABLE, "database_locked")
    assert caught.value.hint
    assert await impatient.names() == ["before"], "readers need not wait for a writer"
    holder.execute("ROLLBACK")
    holder.close()
    await impatient.add("after")
    assert await impatient.names() == ["before", "after"]


@ON_SQLITE
async def test_a_lock_that_ends_in_time_is_not_noticed(kernel: Kernel) -> None:
    await kernel.add("before")
    program = [sys.executable, "-c", HOLDER, str(kernel.directory / "interlock.db")]
    holder = subprocess.Popen(program, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    await kernel.add("patient")
    holder.communicate(timeout=10)
    assert await kernel.names() == ["before", "patient"]


@ON_SQLITE
async def test_a_refused_writer_leaves_no_turn_taken(impatient: Kernel) -> None:
    holder = other_program(impatient)
    holder.execute("BEGIN IMMEDIATE")
    refused = await asyncio.gather(*(impatient.add(str(index)) for index in range(3)), return_exceptions=True)
    assert [getattr(error, "code", None) for error in refused] == ["database_locked"] * 3
    holder.close()
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*(impatient.add(str(index)) for index in range(3)))
    assert await impatient.count(things) == 3


@ON_SQLITE
async def test_a_file_that_may_only_be_read_is_said(kernel: Kernel) -> None:
    async with kernel.ctx().begin() as inner:
        await (await inner.session()).execute(text("PRAGMA query_only = 1"))
    with pytest.raises(InterlockError) as caught:
        await kernel.add("refused")
    assert (caught.value.kind, caught.value.code) == (Kind.UNAVAILABLE, "database_unwritable")


@ON_SQLITE
async def test_a_file_that_is_no_database_is_said(directory: Path, database_url: None) -> None:
    (directory / "interlock.db").write_bytes(b"these are not the bytes you are looking for" * 200)
    async with opened(directory, database_url) as broken:
        with pytest.raises(InterlockError) as caught:
            await broken.add("refused")
    assert (caught.value.kind, caught.value.code) == (Kind.UNAVAILABLE, "database_damaged")


@pytest.mark.postgres
async def test_a_server_that_is_not_there_is_said() -> None:
    absent = PostgresDatabase(f"postgresql://postgres@127.0.0.1:{free_port()}/nothing")
    with pytest.raises(InterlockError) as caught:
        await absent.begin(write=True)
    assert (caught.value.kind, caught.value.code) == (Kind.UNAVAILABLE, "database_unreachable")
    await absent.close()


def end_connections(url: str) -> None:
    """What an administrator, a restart or a dying machine does."""
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND query NOT LIKE 'LISTEN%'"
        )


@ON_POSTGRES
@pytest.mark.parametrize("place", ["before a statement", "before the lock", "before the commit"])
async def test_a_connection_that_breaks_is_said_and_the_next_unit_works(
    kernel: Kernel, database_url: str, place: str
) -> None:
    await kernel.add("before")
    with pytest.raises(InterlockError) as caught:  # noqa: PT012 - the block is the unit of work
        async with kernel.ctx().begin() as inner:
            await add(inner, "lost")
            await asyncio.to_thread(end_connections, database_url)
            if place == "before a statement":
                await add(inner, "lost too")
            if place == "before the lock":
                await (await inner.session()).lock("name")
    assert (caught.value.kind, caught.value.code) == (Kind.UNAVAILABLE, "database_unreachable")
    await kernel.add("after")
    assert await kernel.names() == ["before", "after"]


@ON_POSTGRES
async def test_a_pool_of_broken_connections_heals(kernel: Kernel, database_url: str) -> None:
    await asyncio.gather(*(kernel.add(f"before {index}") for index in range(8)))
    await asyncio.to_thread(end_connections, database_url)
    outcomes = await asyncio.gather(*(kernel.add(f"during {index}") for index in range(8)), return_exceptions=True)
    assert {getattr(outcome, "code", "fine") for outcome in outcomes} <= {"database_unreachable", "fine"}
    await asyncio.gather(*(kernel.add(f"after {index}") for index in range(8)))


@ON_SQLITE
async def test_waiting_for_another_programs_lock_does_not_stop_the_loop(kernel: Kernel) -> None:
    await kernel.add("before")
    holder = other_program(kernel)
    holder.execute("BEGIN IMMEDIATE")
    waiting = asyncio.create_task(kernel.add("patient"))
    async with asyncio.timeout(PATIENCE):
        for _ in range(3):
            assert await kernel.names() == ["before"], "others are served while one waits for the file"
    assert not waiting.done()
    holder.execute("ROLLBACK")
    holder.close()
    async with asyncio.timeout(PATIENCE):
        await waiting
    assert await kernel.names() == ["before", "patient"]


@ON_SQLITE
async def test_a_long_statement_that_is_cancelled_has_left_its_connection(kernel: Kernel) -> None:
    endless = text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")

    async def count_for_ever() -> None:
        async with kernel.ctx().begin() as inner:
            await add(inner, "undone")
            await (await inner.session()).execute_long(endless)

    counting = asyncio.create_task(count_for_ever())
    await asyncio.sleep(0.1)
    counting.cancel()
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(asyncio.CancelledError):
            await counting
        await kernel.add("after")
    assert await kernel.names() == ["after"], "the statement no longer ran when its transaction was undone"


async def test_errors_do_not_carry_what_was_written(kernel: Kernel) -> None:
    for _ in range(2):  # the second execution of a statement takes another way
        with pytest.raises(DBAPIError) as caught:
            await kernel.add("a secret name", colour=None)
        assert "a secret name" not in str(caught.value)


@ON_POSTGRES
async def test_no_free_connection_is_said(directory: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_POOL_SECONDS", 0.1)
    pool = PostgresDatabase(database_url, pool=1)
    taken = [await pool.begin(write=True) for _ in range(2)]
    with pytest.raises(InterlockError) as caught:
        await pool.begin(write=True)
    assert (caught.value.kind, caught.value.code) == (Kind.UNAVAILABLE, "database_busy")
    for session in taken:
        await session.rollback()
    await pool.close()


@ON_POSTGRES
async def test_transactions_that_wait_for_each_other_are_said(kernel: Kernel) -> None:
    held = {name: asyncio.Event() for name in ("one", "two")}

    async def lock(first: str, second: str) -> None:
        async with kernel.ctx().begin() as inner:
            session = await inner.session()
            await session.lock(first)
            held[first].set()
            await held[second].wait()
            await session.lock(second)

    async with asyncio.timeout(PATIENCE):
        ended = await asyncio.gather(lock("one", "two"), lock("two", "one"), return_exceptions=True)
    refused = [error for error in ended if error is not None]
    assert [getattr(error, "code", None) for error in refused] == ["database_conflict"]
    assert all(is_database_trouble(error) for error in refused)
