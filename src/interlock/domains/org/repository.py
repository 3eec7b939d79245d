"""Rows of the org domain."""

from sqlalchemy import bindparam, func, select, update

from interlock.domains.org.models import workspaces
from interlock.domains.org.views import Workspace, WorkspaceFacts
from interlock.kit.ids import TypedId
from interlock.runtime.context import WorkspaceId
from interlock.runtime.repository import Repository

_FACTS = select(workspaces.c.rules_version, workspaces.c.has_ai_access).where(workspaces.c.guid == bindparam("key"))
_EVERY = select(workspaces.c.guid).order_by(workspaces.c.id)
_OLDEST = select(workspaces.c.guid).order_by(workspaces.c.id).limit(1)


class Workspaces(Repository[Workspace]):
    """Workspaces; each row belongs to itself."""

    table = workspaces
    view = Workspace
    thing = "workspace"

    async def count(self) -> int:
        """How many workspaces this server holds."""
        session = await self.ctx.session()
        total: int = (await session.execute(select(func.count()).select_from(workspaces))).scalar_one()
        return total

    async def oldest(self) -> WorkspaceId | None:
        """The workspace this server was founded with."""
        key: WorkspaceId | None = (await (await self.ctx.session()).execute(_OLDEST)).scalar()
        return key

    async def every(self) -> tuple[WorkspaceId, ...]:
        """All workspaces of this server."""
        return tuple((await (await self.ctx.session()).execute(_EVERY)).scalars())

    async def bump_rules(self, key: TypedId) -> None:
        """Count one change of the workspace's rules."""
        session = await self.ctx.session()
        await session.execute(
            update(workspaces).where(workspaces.c.guid == key).values(rules_version=workspaces.c.rules_version + 1)
        )

    async def facts(self, key: TypedId) -> WorkspaceFacts:
        """Rules version and AI access."""
        row = (await (await self.ctx.session()).execute(_FACTS, {"key": key})).one()
        return WorkspaceFacts(row.rules_version, row.has_ai_access)
