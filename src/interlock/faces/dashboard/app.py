"""Every route of the dashboard."""

from starlette.routing import BaseRoute

from interlock.faces.dashboard import assets, live
from interlock.faces.dashboard.areas import account, counts, home

AREAS = (account, counts, home)


def routes() -> list[BaseRoute]:
    """The pages of every area, the live stream and the assets."""
    return [*assets.ROUTES, *live.ROUTES, *(route for area in AREAS for route in area.ROUTES)]
