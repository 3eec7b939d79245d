"""The MCP server: tools for Claude Desktop, Cursor and any other client, over HTTP, legacy SSE and stdio."""
