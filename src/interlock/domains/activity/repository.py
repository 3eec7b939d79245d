"""Rows of the activity domain."""

from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert

from interlock.domains.activity.models import system_log
from interlock.domains.activity.views import LogEntry
from interlock.kit.paging import ListSpec
from interlock.runtime.repository import Repository

_APPEND = insert(system_log)


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
        """Delete old rows of every workspace."""
        session = await self.ctx.session()
        return (await session.execute_long(delete(system_log).where(system_log.c.at < moment))).rowcount
