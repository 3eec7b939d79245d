"""The demo: the refund desk told as a story, by a client that knows nothing but the HTTP API."""
