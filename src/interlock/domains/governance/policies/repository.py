"""Rows of the policies."""

from sqlalchemy import bindparam, select

from interlock.domains.governance.policies.models import policies
from interlock.domains.governance.policies.views import Policy
from interlock.kit.paging import ListSpec
from interlock.runtime.repository import Repository

_ENABLED = (
    select(policies)
    .where(policies.c.workspace_id == bindparam("workspace"), policies.c.enabled)
    .order_by(policies.c.id)
)


class Policies(Repository[Policy]):
    """Policies of a workspace, newest first."""

    table = policies
    view = Policy
    thing = "policy"
    listing = ListSpec(filters=frozenset({"type", "mode", "enabled"}))

    async def enabled(self) -> list[Policy]:
        """Every policy in force, oldest first."""
        rows = await (await self.ctx.session()).execute(_ENABLED, {"workspace": self.ctx.workspace_id})
        return [self.to_view(row) for row in rows]
