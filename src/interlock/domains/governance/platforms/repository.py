"""Rows of the platform connections."""

from typing import Any

from sqlalchemy import Row, bindparam, select
from sqlalchemy.sql import ColumnElement

from interlock.domains.governance.platforms.models import platforms
from interlock.domains.governance.platforms.states import PlatformStatus
from interlock.domains.governance.platforms.views import Platform, PlatformId
from interlock.kit.ids import TypedId
from interlock.kit.paging import ListSpec
from interlock.runtime.context import Ctx
from interlock.runtime.repository import Repository
from interlock.runtime.secrets import hashed

TOKEN_PREFIX = "ptk_"  # noqa: S105 - the public part of every token
_PURPOSE = "platform:{}"
_BY_TOKEN = select(platforms).where(
    platforms.c.token_hash == bindparam("token_hash"), platforms.c.status == PlatformStatus.CONNECTED
)
_IN_FORCE: ColumnElement[bool] = platforms.c.status == PlatformStatus.CONNECTED


class Platforms(Repository[Platform]):
    """Platform connections of a workspace, newest first."""

    table = platforms
    view = Platform
    thing = "platform connection"
    listing = ListSpec(filters=frozenset({"status", "kind"}))

    def to_view(self, row: Row[Any]) -> Platform:
        """The view, with the URL opened for its owner."""
        values = dict(row._mapping)
        values["number"], values["id"] = values.pop("id"), values.pop("guid")
        sealed = values.pop("sealed")
        url = None
        if sealed is not None:
            token = self.ctx.runtime.secrets.decrypt(sealed, purpose=_PURPOSE.format(values["id"])).decode()
            url = f"{self.ctx.settings.base_url}/api/platforms/{token}/webhook"
        return Platform.model_validate({**values, "webhook_url": url})

    async def keep(self, key: TypedId, token: str, values: dict[str, Any]) -> Platform:
        """Add a connection with its token."""
        row = {"guid": key, "workspace_id": self.ctx.workspace_id, **values, **self._credential(key, token)}
        await (await self.ctx.session()).execute(self._insert, row)
        return await self.get(key)

    async def replace_token(self, key: TypedId, token: str) -> Platform:
        """Give a connection in force another token."""
        values = {**self._credential(key, token), "rotated_at": self.ctx.now}
        return await self.change(key, values, where=[_IN_FORCE])

    async def cut_off(self, key: TypedId) -> Platform:
        """Destroy the token of a connection in force."""
        values = {
            "status": PlatformStatus.DISCONNECTED,
            "disconnected_at": self.ctx.now,
            "token_hash": None,
            "sealed": None,
        }
        return await self.change(key, values, where=[_IN_FORCE])

    def _credential(self, key: TypedId, token: str) -> dict[str, Any]:
        sealed = self.ctx.runtime.secrets.encrypt(token.encode(), purpose=_PURPOSE.format(PlatformId.of(key)))
        return {"token_hash": hashed(token), "sealed": sealed}


async def by_token(ctx: Ctx, token: str) -> Row[Any] | None:
    """The connection in force, of whatever workspace, that a URL belongs to."""
    return (await (await ctx.session()).execute(_BY_TOKEN, {"token_hash": hashed(token)})).first()
