"""From a path to a handler: who visits, whether a form is ours, and what becomes of an error."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from interlock.faces.dashboard.refusals import refusal
from interlock.faces.dashboard.visits import Visit, check_sent_here, visited
from interlock.kit.errors import InterlockError

Handler = Callable[[Visit], Awaitable[Response]]


def page(path: str, handler: Handler) -> Route:
    """A page, a part of one, or a stream: read only."""
    return Route(path, _guarded(handler, writes=False), methods=["GET"], name=_name(handler))


def action(path: str, handler: Handler) -> Route:
    """Something a person does: sent by one of our own forms."""
    return Route(path, _guarded(handler, writes=True), methods=["POST"], name=_name(handler))


def _guarded(handler: Handler, *, writes: bool) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        visit: Visit | None = None
        try:
            visit = await visited(request)
            if writes:
                await check_sent_here(visit)
            return await handler(visit)
        except InterlockError as error:
            return refusal(request, visit, error)

    return handle


def _name(handler: Handler) -> str:
    area = handler.__module__.rpartition(".")[2]
    return f"dashboard.{area}.{handler.__name__}"
