"""The peer of a governed tool call: an echo tool on the MCP SDK's own server, with no governance and no record."""

import sys

import uvicorn
from mcp.server import MCPServer

server = MCPServer("echo")


@server.tool()
def echo(text: str) -> str:
    """Say it back."""
    return text


if __name__ == "__main__":
    app = server.streamable_http_app(stateless_http=True, json_response=True)
    uvicorn.run(
        app, port=int(sys.argv[1]), loop="uvloop", http="httptools", access_log=False, log_level="warning",
        server_header=False, proxy_headers=False,
    )  # fmt: skip
