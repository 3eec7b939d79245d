"""Every route of the dashboard."""

from starlette.routing import BaseRoute

from interlock.faces.dashboard import assets, live
from interlock.faces.dashboard.areas import account, chat, counts, documents, forms, home, memory, tables

AREAS = (account, counts, home, memory, documents, tables, forms, chat)


def routes() -> list[BaseRoute]:
    """The pages of every area, the live stream and the assets."""
    return [*assets.ROUTES, *live.ROUTES, *(route for area in AREAS for route in area.ROUTES)]
