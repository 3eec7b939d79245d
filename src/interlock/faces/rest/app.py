"""The native REST face: its route table, its hand-written routes, its OpenAPI document."""

from functools import cache
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from interlock.faces.rest import backup_files, docs, form_files, health, hooks, knowledge, streams, table_files
from interlock.faces.rest.binding import NativeRoute, bound
from interlock.faces.rest.embed import routes as embed
from interlock.faces.rest.forms_page import routes as forms_page
from interlock.faces.rest.openapi import document
from interlock.faces.rest.routes import (
    accounts,
    activity,
    agents,
    analytics,
    chatbots,
    chats,
    checks,
    connectors,
    conversations,
    documents,
    forms,
    governance,
    llm,
    memory,
    notifications,
    platforms,
    registry,
    runs,
    schedules,
    settings,
    tables,
    templates,
    tools,
    webhooks,
    workflows,
)
from interlock.runtime.context import Runtime

# Routes are tried in this order, so what is asked most comes first.
TABLE: tuple[NativeRoute, ...] = (
    *checks.ROUTES,
    *accounts.ROUTES,
    *agents.ROUTES,
    *runs.ROUTES,
    *governance.ROUTES,
    *llm.ROUTES,
    *memory.ROUTES,
    *tools.ROUTES,
    *workflows.ROUTES,
    *templates.ROUTES,
    *connectors.ROUTES,
    *schedules.ROUTES,
    *documents.ROUTES,
    *activity.ROUTES,
    *analytics.ROUTES,
    *settings.ROUTES,
    *notifications.ROUTES,
    *webhooks.ROUTES,
    *forms.ROUTES,
    *platforms.ROUTES,
    *registry.ROUTES,
    *chatbots.ROUTES,
    *chats.ROUTES,
    *conversations.ROUTES,
    *tables.ROUTES,
)
BY_HAND: tuple[Route, ...] = (
    *health.ROUTES,
    *streams.ROUTES,
    *hooks.ROUTES,
    *embed.ROUTES,
    *forms_page.ROUTES,
    *knowledge.ROUTES,
    *table_files.ROUTES,
    *form_files.ROUTES,
    *backup_files.ROUTES,
)


def openapi(server_url: str) -> dict[str, Any]:
    """The OpenAPI document of the native API."""
    by_hand = {
        **streams.openapi_paths(),
        **hooks.openapi_paths(),
        **embed.openapi_paths(),
        **forms_page.openapi_paths(),
        **knowledge.openapi_paths(),
        **table_files.openapi_paths(),
        **form_files.openapi_paths(),
        **backup_files.openapi_paths(),
    }
    return document(TABLE, by_hand, server_url)


async def openapi_json(request: Request) -> Response:
    """Serve the document."""
    runtime: Runtime = request.app.state.runtime
    return Response(orjson.dumps(openapi(runtime.settings.base_url)), media_type="application/json")


async def docs_page(request: Request) -> Response:
    """Serve the documentation page; it needs no script and no network."""
    runtime: Runtime = request.app.state.runtime
    return Response(docs.render(openapi(runtime.settings.base_url)), media_type="text/html")


@cache
def routes() -> tuple[BaseRoute, ...]:
    """Every route of this face; they hold nothing of the application they are in."""
    return (
        *BY_HAND,
        Route("/openapi.json", openapi_json),
        Route("/docs", docs_page),
        *(bound(line) for line in TABLE),
    )
