"""The peer of a governed tool call: an echo tool on the MCP SDK's own server, with no governance and no record."""

import sys

import uvicorn
from mcp.server import MCPServer
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

server = MCPServer("echo")


@server.tool()
def echo(text: str) -> str:
    """Say it back."""
    return text


async def ready(_request: Request) -> Response:
    """Tell that the server answers."""
    return Response("{}", media_type="application/json")


if __name__ == "__main__":
    app = server.streamable_http_app(stateless_http=True, json_response=True)
    app.router.routes.append(Route("/", ready))
    uvicorn.run(
        app, port=int(sys.argv[1]), loop="uvloop", http="httptools", access_log=False, log_level="warning",
        server_header=False,
    )  # fmt: skip
