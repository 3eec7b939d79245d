"""Puts the pretend providers together: each below its own prefix, and the sandbox's own endpoints below /_sandbox."""

from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Mount, Route

from interlock.sandbox.faults import Fault, ProviderName
from interlock.sandbox.gate import Gate
from interlock.sandbox.gmail import Gmail
from interlock.sandbox.hubspot import Hubspot
from interlock.sandbox.make import Make
from interlock.sandbox.n8n import N8n
from interlock.sandbox.slack import Slack
from interlock.sandbox.state import SandboxSettings, SandboxState
from interlock.sandbox.stripe import Stripe
from interlock.sandbox.wire import Provider
from interlock.sandbox.zapier import Zapier

_Model = TypeVar("_Model", bound=BaseModel)

NOTICE = (
    "Interlock sandbox: pretend providers on this machine. "
    "Nothing here reaches Slack, Gmail, HubSpot, Stripe, Zapier, n8n or Make."
)


def build_app(state: SandboxState) -> Starlette:
    """The sandbox as one application over `state`."""
    providers: list[Provider] = [
        Slack(state), Gmail(state), Hubspot(state), Stripe(state), Zapier(state), N8n(state), Make(state)
    ]  # fmt: skip
    routes: list[BaseRoute] = [Mount("/_sandbox", routes=_own_routes(state, providers))]
    for provider in providers:
        inner = Starlette(routes=list(provider.routes()))
        inner.router.redirect_slashes = False
        routes.append(Mount(f"/{provider.name}", Gate(inner, provider, state)))
    return Starlette(routes=routes)


def _own_routes(state: SandboxState, providers: list[Provider]) -> list[Route]:
    async def index(request: Request) -> JSONResponse:
        base = str(request.base_url).rstrip("/").removesuffix("/_sandbox")
        urls = {name.value: f"{base}/{name}" for name in ProviderName}
        return JSONResponse({"sandbox": True, "notice": NOTICE, "base_urls": urls})

    async def show(_request: Request) -> JSONResponse:
        return JSONResponse(state.report())

    async def reset(_request: Request) -> JSONResponse:
        state.clear()
        for provider in providers:
            provider.clear()
        return JSONResponse({"sandbox": True, "reset": True})

    async def add_fault(request: Request) -> JSONResponse:
        fault = await _parsed(request, Fault)
        if isinstance(fault, JSONResponse):
            return fault
        state.faults.add(fault)
        return JSONResponse({"sandbox": True, "fault": fault.model_dump(mode="json")}, 201)

    async def clear_faults(_request: Request) -> JSONResponse:
        state.faults.clear()
        return JSONResponse({"sandbox": True, "pending_faults": []})

    async def change_settings(request: Request) -> JSONResponse:
        settings = await _parsed(request, SandboxSettings)
        if isinstance(settings, JSONResponse):
            return settings
        state.settings = settings
        return JSONResponse({"sandbox": True, "settings": settings.model_dump(mode="json")})

    return [
        Route("/", index),
        Route("/state", show),
        Route("/reset", reset, methods=["POST"]),
        Route("/faults", add_fault, methods=["POST"]),
        Route("/faults", clear_faults, methods=["DELETE"]),
        Route("/settings", change_settings, methods=["PUT"]),
    ]


async def _parsed(request: Request, model: type[_Model]) -> _Model | JSONResponse:
    try:
        return model.model_validate_json(await request.body())
    except ValidationError as error:
        detail = error.errors(include_url=False, include_context=False, include_input=False)
        return JSONResponse({"sandbox": True, "detail": detail}, 422)
