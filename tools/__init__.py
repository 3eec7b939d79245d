"""Programs that keep the project in shape; nothing here ships with the server."""
