"""Who may come in: people, their sessions, API keys and registered MCP clients."""
