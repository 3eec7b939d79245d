"""Whoever looks on hears which tables and streams of the workspace have changed, and nothing of other workspaces."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text

from interlock.runtime import changes
from interlock.runtime.changes import EVERYTHING, Watcher
from interlock.runtime.context import NO_WORKSPACE, WorkspaceId
from tests.runtime.kernel.kernel import PATIENCE, SEVERAL_SERVERS, Kernel, add, opened


@asynccontextmanager
async def neighbour(kernel: Kernel, directory: Path, database_url: str | None) -> AsyncIterator[Kernel]:
    """A second server on the same PostgreSQL database, of the same workspace."""
    async with opened(directory, database_url) as other:
        other.workspace_id = kernel.workspace_id
        yield other


async def heard(watcher: Watcher, heartbeat: float = PATIENCE) -> frozenset[str]:
    async with asyncio.timeout(PATIENCE + 1):
        return await anext(watcher.changes(heartbeat))


async def change(kernel: Kernel, *, stream: str | None = None) -> None:
    async with kernel.ctx().begin() as inner:
        await add(inner, uuid4().hex)
        if stream is not None:
            await kernel.runtime.streams.append(inner, stream, "news", {})


async def test_a_committed_change_is_told_by_its_table_and_stream(kernel: Kernel) -> None:
    topics = frozenset({"things", "run:1", "other"})
    with kernel.runtime.changes.watched(kernel.workspace_id, topics) as watcher:
        await change(kernel, stream="run:1")
        assert await heard(watcher) == {"things", "run:1"}


async def _change_and_fail(kernel: Kernel) -> None:
    async with kernel.ctx().begin() as inner:
        await add(inner, "thing")
        raise RuntimeError


async def test_what_was_undone_is_not_told(kernel: Kernel) -> None:
    with kernel.runtime.changes.watched(kernel.workspace_id, frozenset({"things"})) as watcher:
        with pytest.raises(RuntimeError):
            await _change_and_fail(kernel)
        assert await heard(watcher, 0.05) == frozenset()


async def test_another_workspace_hears_nothing_and_everybody_of_what_is_nobody_s(kernel: Kernel) -> None:
    with kernel.runtime.changes.watched(WorkspaceId.new(), frozenset({"things"})) as stranger:
        await change(kernel)
        assert await heard(stranger, 0.05) == frozenset()
        kernel.runtime.changes.tell(NO_WORKSPACE, ["things"])
        assert await heard(stranger) == {"things"}


async def test_many_changes_in_a_row_are_told_as_one(kernel: Kernel) -> None:
    with kernel.runtime.changes.watched(kernel.workspace_id, frozenset({"things"})) as watcher:
        for _ in range(20):
            await change(kernel)
        told = watcher.changes(0.6)
        assert await anext(told) == {"things"}
        assert await anext(told) == frozenset(), "nothing is left over for a second time"


async def test_what_changed_after_a_mark_is_heard_at_once(kernel: Kernel) -> None:
    await change(kernel)
    mark = kernel.runtime.changes.mark()
    with kernel.runtime.changes.watched(kernel.workspace_id, frozenset({"things"}), mark) as watcher:
        assert await heard(watcher, 0.05) == frozenset(), "it was changed before"
    await change(kernel)
    with kernel.runtime.changes.watched(kernel.workspace_id, frozenset({"things"}), mark) as watcher:
        assert await heard(watcher) == {"things"}
    with kernel.runtime.changes.watched(WorkspaceId.new(), frozenset({"things"}), mark) as stranger:
        assert await heard(stranger, 0.05) == frozenset()


@pytest.mark.parametrize("mark", ["another-server:1.0", "nonsense", ":", "a:b:c"])
async def test_a_mark_that_says_nothing_means_everything(kernel: Kernel, mark: str) -> None:
    with kernel.runtime.changes.watched(kernel.workspace_id, frozenset({"things"}), mark) as watcher:
        assert await heard(watcher) == {EVERYTHING}


async def test_a_mark_from_before_what_is_remembered_means_everything(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "_MOST_REMEMBERED", 2)
    mark = kernel.runtime.changes.mark()
    kernel.runtime.changes.tell(kernel.workspace_id, ["one", "two", "three"])
    with kernel.runtime.changes.watched(kernel.workspace_id, frozenset({"things"}), mark) as watcher:
        assert await heard(watcher) == {EVERYTHING}


async def test_nobody_is_kept_who_has_left(kernel: Kernel) -> None:
    with kernel.runtime.changes.watched(kernel.workspace_id, frozenset({"things"})):
        assert kernel.runtime.changes._watchers
    assert not kernel.runtime.changes._watchers


@SEVERAL_SERVERS
async def test_another_server_s_changes_are_heard(kernel: Kernel, directory: Path, database_url: str | None) -> None:
    async with neighbour(kernel, directory, database_url) as other:
        with other.runtime.changes.watched(kernel.workspace_id, frozenset({"things"})) as watcher:
            await change(kernel)
            assert await heard(watcher) == {"things"}


@SEVERAL_SERVERS
async def test_after_a_lost_connection_everything_counts_as_changed(
    kernel: Kernel, directory: Path, database_url: str | None
) -> None:
    async with neighbour(kernel, directory, database_url) as other:
        news = other.runtime.changes._news
        assert news is not None
        assert news._connection is not None
        with other.runtime.changes.watched(kernel.workspace_id, frozenset({"things"})) as watcher:
            async with kernel.ctx().begin() as inner:
                breaking = text("SELECT pg_terminate_backend(:pid)")
                await (await inner.session()).execute(breaking, {"pid": news._connection.get_server_pid()})
            assert await heard(watcher) == {EVERYTHING}
