"""Make custom webhooks, after https://help.make.com/webhooks: a hook id in the path, the text "Accepted" in return."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from interlock.sandbox.faults import ProviderName
from interlock.sandbox.state import SandboxState
from interlock.sandbox.wire import WireError, any_body

_TEXT = "text/plain; charset=utf-8"


class Make:
    """Scenarios behind hook ids; those named in the settings have none listening."""

    name = ProviderName.MAKE
    rate_limited = WireError(b"Too many requests", _TEXT)
    server_error = WireError(b"Scenario failed to complete.", _TEXT)
    lying = WireError(b"Scenario failed to complete.", _TEXT)

    def __init__(self, state: SandboxState) -> None:
        self._state = state

    def clear(self) -> None:
        """Nothing of its own to forget."""

    def routes(self) -> Sequence[Route]:
        """The custom webhook."""
        return [Route("/{hook}", self.hook, methods=["GET", "POST", "PUT"])]

    async def hook(self, request: Request) -> PlainTextResponse:
        """Queue a payload for a scenario."""
        hook = request.path_params["hook"]
        if hook in self._state.settings.unregistered_hooks:
            return PlainTextResponse("There is no scenario listening for this webhook.", 410)
        self._state.happened(request, "hook", {"webhook": hook, "payload": await any_body(request)})
        return PlainTextResponse("Accepted")
