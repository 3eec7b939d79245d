"""Every route of the dashboard: an area is a module or package of `areas/` with ROUTES; adding one touches no list."""

import importlib
import pkgutil

from starlette.routing import BaseRoute, Route

from interlock.faces.dashboard import areas, assets, live


def _area_routes(name: str) -> tuple[Route, ...]:
    routes: tuple[Route, ...] = importlib.import_module(f"{areas.__name__}.{name}").ROUTES
    return routes


def routes() -> list[BaseRoute]:
    """The pages of every area, the live stream and the assets."""
    names = sorted(found.name for found in pkgutil.iter_modules(areas.__path__))
    return [*assets.ROUTES, *live.ROUTES, *(route for name in names for route in _area_routes(name))]
