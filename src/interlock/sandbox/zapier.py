"""Webhooks by Zapier: the catch hook, after https://help.zapier.com/hc/en-us/articles/8496288690317."""

import uuid
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from interlock.sandbox.faults import ProviderName
from interlock.sandbox.state import SandboxState
from interlock.sandbox.wire import any_body, json_error


class Zapier:
    """Catch hooks: the URL is the credential, and every well-formed one answers success."""

    name = ProviderName.ZAPIER
    rate_limited = json_error({"errors": ["You have been rate limited. Please try again later."]})
    server_error = json_error({"errors": ["Internal server error"]})
    lying = json_error({"status": "error", "errors": ["The hook could not be processed"]})

    def __init__(self, state: SandboxState) -> None:
        self._state = state

    def clear(self) -> None:
        """Nothing of its own to forget."""

    def routes(self) -> Sequence[Route]:
        """The catch hook, with and without the slash Zapier prints at its end."""
        return [
            Route("/hooks/catch/{account:int}/{zap}", self.catch, methods=["GET", "POST", "PUT"]),
            Route("/hooks/catch/{account:int}/{zap}/", self.catch, methods=["GET", "POST", "PUT"]),
        ]

    async def catch(self, request: Request) -> JSONResponse:
        """Take a payload for a Zap."""
        data = {"account": request.path_params["account"], "zap": request.path_params["zap"]}
        self._state.happened(request, "hook", {**data, "payload": await any_body(request)})
        request_id = str(uuid.uuid4())
        return JSONResponse(
            {"attempt": request_id, "id": str(uuid.uuid4()), "request_id": request_id, "status": "success"}
        )
