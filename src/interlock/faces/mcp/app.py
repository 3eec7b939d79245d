"""The routes of the MCP face."""

from starlette.routing import Route

from interlock.faces.mcp import http, sse


def routes() -> list[Route]:
    """Every route of this face."""
    return [
        Route("/api/mcp", http.post, methods=["POST"], name="mcp.rpc"),
        Route("/api/mcp", http.get, methods=["GET"], name="mcp.stream_open"),
        Route("/api/mcp", http.delete, methods=["DELETE"], name="mcp.session_end"),
        Route("/api/mcp/sse", sse.open_stream, methods=["GET"], name="mcp.sse"),
        Route(sse.MESSAGES, sse.take_message, methods=["POST"], name="mcp.sse_message"),
    ]
