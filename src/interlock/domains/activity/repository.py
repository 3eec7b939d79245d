"""Rows of the activity domain."""

from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select

from interlock.domains.activity.models import system_log
from interlock.domains.activity.views import LogEntry
from interlock.kit.paging import ListSpec
from interlock.runtime.context import Ctx, WorkspaceId
from interlock.runtime.repository import Repository

BATCH = 2_000
_APPEND = insert(system_log)
_WORKSPACES = select(system_log.c.workspace_id).distinct()


class SystemLog(Repository[LogEntry]):
    """The system log of a workspace, newest first."""

    table = system_log
    view = LogEntry
    thing = "log entry"
    listing = ListSpec(filters=frozenset({"operation"}))

    async def append(self, **values: Any) -> None:
        """Insert a row without reading it back."""
        session = await self.ctx.session()
        await session.execute(_APPEND, {"workspace_id": self.ctx.workspace_id, **values})

    async def drop_before(self, moment: datetime) -> int:
        """Delete a batch of the workspace's rows from before a moment; tells how many, less than a batch at the end."""
        columns = system_log.c
        old = select(columns.id).where(columns.workspace_id == self.ctx.workspace_id, columns.at < moment).limit(BATCH)
        statement = delete(system_log).where(columns.id.in_(old))
        return (await (await self.ctx.session()).execute_long(statement)).rowcount


async def workspaces_logged(ctx: Ctx) -> list[WorkspaceId]:
    """Every workspace that has a row in the log."""
    rows = await (await ctx.session()).execute_long(_WORKSPACES)
    return list(rows.scalars())
