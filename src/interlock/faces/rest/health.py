"""Liveness and readiness, for supervisors; the only endpoints outside rate limits."""

import orjson
from sqlalchemy import text
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from interlock import __version__
from interlock.domains.accounts.service.identify import anonymous
from interlock.kit.errors import InterlockError
from interlock.runtime.context import Runtime


async def healthz(_request: Request) -> Response:
    """The process answers."""
    return _reply(200, {"status": "ok", "version": __version__})


async def readyz(request: Request) -> Response:
    """The database answers, so work can be taken."""
    runtime: Runtime = request.app.state.runtime
    try:
        async with anonymous(runtime, request_id="readyz", face="rest").begin(write=False) as ctx:
            await (await ctx.session()).execute(text("SELECT 1"))
    except InterlockError as error:
        return _reply(503, {"status": "not ready", "detail": error.message})
    return _reply(200, {"status": "ready", "version": __version__})


def _reply(status: int, body: dict[str, str]) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")


ROUTES = (Route("/healthz", healthz), Route("/readyz", readyz))
