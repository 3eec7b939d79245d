"""Settings, a page for each: who serves models, who may come in, what is connected, and the server's own data."""

from interlock.faces.dashboard.areas.settings import (
    account,
    backups,
    chatbots,
    clients,
    integrations,
    keys,
    people,
    platforms,
    providers,
    routes,
    systems,
    workspace,
)
from interlock.faces.dashboard.areas.settings.sections import ROUTES as OVERVIEW

ROUTES = (
    *OVERVIEW,
    *providers.ROUTES,
    *routes.ROUTES,
    *keys.ROUTES,
    *integrations.ROUTES,
    *people.ROUTES,
    *clients.ROUTES,
    *platforms.ROUTES,
    *chatbots.ROUTES,
    *systems.ROUTES,
    *workspace.ROUTES,
    *backups.ROUTES,
    *account.ROUTES,
)
