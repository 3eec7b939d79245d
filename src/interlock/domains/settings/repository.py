"""The one row of settings that a workspace has, once it has set something."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, update

from interlock.domains.settings.models import workspace_settings
from interlock.domains.settings.views import SettingsId
from interlock.runtime.context import Ctx
from interlock.runtime.repository import insert_if_absent

_PURPOSE = "settings:{}"
_columns = workspace_settings.c
_MINE = _columns.workspace_id == bindparam("workspace")
_READ = select(_columns.chosen, _columns.sealed, _columns.updated_at).where(_MINE)


@dataclass(frozen=True, slots=True)
class Stored:
    """What was set, by the full name of the field; secrets apart, encrypted."""

    chosen: dict[str, Any] = field(default_factory=dict)
    sealed: bytes | None = None
    updated_at: datetime | None = None


async def read(ctx: Ctx) -> Stored:
    """What the workspace has set."""
    row = (await (await ctx.session()).execute(_READ, {"workspace": ctx.workspace_id})).first()
    return Stored() if row is None else Stored(dict(row.chosen), row.sealed, row.updated_at)


def unsealed(ctx: Ctx, stored: Stored) -> dict[str, str]:
    """The secrets among what was set, in clear."""
    if stored.sealed is None:
        return {}
    opened = ctx.runtime.secrets.decrypt_json(stored.sealed, purpose=_purpose(ctx))
    if not isinstance(opened, dict):
        raise TypeError("sealed settings are not an object")
    return {str(name): str(value) for name, value in opened.items()}


async def keep(ctx: Ctx, chosen: dict[str, Any], secrets: dict[str, str]) -> Stored:
    """Replace what the workspace has set; whoever read it first must hold its lock."""
    sealed = ctx.runtime.secrets.encrypt_json(secrets, purpose=_purpose(ctx)) if secrets else None
    values = {"chosen": chosen, "sealed": sealed, "updated_at": ctx.now}
    row = {"guid": SettingsId.new(), "workspace_id": ctx.workspace_id, **values}
    if not await insert_if_absent(ctx, workspace_settings, row):
        statement = update(workspace_settings).where(_columns.workspace_id == ctx.workspace_id).values(**values)
        await (await ctx.session()).execute(statement)
    return Stored(chosen, sealed, ctx.now)


async def hold(ctx: Ctx) -> None:
    """Let nobody else change these settings until this unit of work ends."""
    await (await ctx.session()).lock(_purpose(ctx))


def _purpose(ctx: Ctx) -> str:
    """What sealed settings are bound to; also the name of their lock."""
    return _PURPOSE.format(ctx.workspace_id)
