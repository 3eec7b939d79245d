"""Rows of the llm domain."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, bindparam, select
from sqlalchemy.exc import IntegrityError

from interlock.domains.llm.models import llm_providers, llm_routes
from interlock.domains.llm.views import ModelRoute, Provider, ProviderId, ProviderSource
from interlock.kit.paging import ListSpec
from interlock.runtime.repository import Repository

_PROVIDERS = (
    select(llm_providers)
    .where(llm_providers.c.workspace_id == bindparam("workspace"))
    .order_by(llm_providers.c.priority, llm_providers.c.id)
)
_ROUTES = select(llm_routes).where(llm_routes.c.workspace_id == bindparam("workspace")).order_by(llm_routes.c.name)


class Providers(Repository[Provider]):
    """Providers of a workspace, in the order in which they are preferred."""

    table = llm_providers
    view = Provider
    thing = "provider"
    listing = ListSpec(order="priority", descending=False, filters=frozenset({"name"}))

    def to_view(self, row: Row[Any]) -> Provider:
        """The view with the credential masked."""
        values = dict(row._mapping)
        hint = values.pop("credential_hint")
        values["credential"] = None if values["credential"] is None else masked(hint)
        return self.view.model_validate({**values, "id": values["guid"], "source": ProviderSource.WORKSPACE})

    async def insert(self, key: ProviderId, values: Mapping[str, Any]) -> None:
        """Add a row; read it back with `get`, which masks the credential."""
        session = await self.ctx.session()
        row = {"guid": key, "workspace_id": self.ctx.workspace_id, **values}
        try:
            await session.execute(self._insert, row)
        except IntegrityError as error:
            raise self.clash(error) from error

    async def sealed(self) -> list[tuple[Provider, bytes | None]]:
        """Every provider of the workspace with its sealed credential."""
        session = await self.ctx.session()
        rows = (await session.execute(_PROVIDERS, {"workspace": self.ctx.workspace_id})).all()
        return [(self.to_view(row), row.credential) for row in rows]

    async def named(self, name: str) -> ProviderId | None:
        """The id of the provider with this name."""
        for provider, _ in await self.sealed():
            if provider.name == name and provider.id is not None:
                return provider.id
        return None


class Routes(Repository[ModelRoute]):
    """Routes of a workspace."""

    table = llm_routes
    view = ModelRoute
    thing = "model route"
    listing = ListSpec(order="name", descending=False, filters=frozenset({"name"}))

    async def all(self) -> list[ModelRoute]:
        """Every route of the workspace by name."""
        session = await self.ctx.session()
        rows = (await session.execute(_ROUTES, {"workspace": self.ctx.workspace_id})).all()
        return [self.to_view(row) for row in rows]


def masked(hint: str | None) -> str:
    """A credential as it may be shown."""
    return f"…{hint}" if hint else "…"
