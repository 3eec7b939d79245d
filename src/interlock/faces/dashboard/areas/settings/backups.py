"""Backups: begun here, watched while they are written, downloaded, deleted."""

from typing import Any

from starlette.responses import FileResponse, Response

from interlock.domains.settings import backups
from interlock.faces.dashboard.areas.settings.sections import section
from interlock.faces.dashboard.render import go, html
from interlock.faces.dashboard.routing import action, page
from interlock.faces.dashboard.visits import Visit
from interlock.kit.operations import Nothing


async def index(visit: Visit) -> Response:
    """All backups."""
    return section(visit, "settings/backup.html", **await _listed(visit))


async def listing(visit: Visit) -> Response:
    """The list by itself."""
    return html(visit, "settings/_backups.html", **await _listed(visit))


async def create(visit: Visit) -> Response:
    """Begin a backup."""
    await visit.call(backups.create, Nothing())
    return go(visit, "/settings/backup", said="The backup is being written; the server goes on working.")


async def download(visit: Visit) -> Response:
    """Send a backup's file."""
    found = await visit.call(backups.open_, visit.command(backups.BackupRef, {}, "name"))
    headers = {"Cache-Control": "no-store"}
    return FileResponse(found.path, media_type="application/gzip", filename=found.name, headers=headers)


async def delete(visit: Visit) -> Response:
    """Delete a backup."""
    gone = await visit.call(backups.delete, visit.command(backups.BackupRef, {}, "name"))
    return go(visit, "/settings/backup", said=f"{gone.name} is deleted.")


async def _listed(visit: Visit) -> dict[str, Any]:
    return {"found": await visit.call(backups.list_, Nothing()), "data_dir": str(visit.ctx.settings.data_dir)}


ROUTES = (
    page("/settings/backup", index),
    page("/settings/backup/list", listing),
    action("/settings/backup", create),
    page("/settings/backup/{name}/download", download),
    action("/settings/backup/{name}/delete", delete),
)
