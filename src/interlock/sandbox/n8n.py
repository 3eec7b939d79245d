"""n8n production webhooks in "respond immediately" mode, after https://docs.n8n.io/integrations/builtin/core-nodes/n8n-nodes-base.webhook/."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from interlock.sandbox.faults import ProviderName
from interlock.sandbox.state import SandboxState
from interlock.sandbox.wire import any_body, json_error

_HINT = (
    "The workflow must be active for a production URL to run successfully. You can activate the workflow using the "
    "toggle in the top-right of the editor. Note that unlike test URL calls, production URL calls aren't shown on the "
    "canvas (only in the executions list)"
)


class N8n:
    """Active workflows behind webhook paths; those named in the settings are not registered."""

    name = ProviderName.N8N
    rate_limited = json_error({"message": "Too many requests"})
    server_error = json_error({"code": 0, "message": "Internal server error"})
    lying = json_error({"code": 0, "message": "Workflow could not be started!"})

    def __init__(self, state: SandboxState) -> None:
        self._state = state

    def clear(self) -> None:
        """Nothing of its own to forget."""

    def routes(self) -> Sequence[Route]:
        """The production webhook."""
        return [Route("/webhook/{id:path}", self.webhook, methods=["POST"])]

    async def webhook(self, request: Request) -> JSONResponse:
        """Start a workflow."""
        hook = request.path_params["id"]
        if hook in self._state.settings.unregistered_hooks:
            message = f'The requested webhook "{request.method} {hook}" is not registered.'
            return JSONResponse({"code": 404, "message": message, "hint": _HINT}, 404)
        self._state.happened(request, "hook", {"webhook": hook, "payload": await any_body(request)})
        return JSONResponse({"message": "Workflow was started"})
