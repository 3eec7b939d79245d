"""A request to any HTTP service."""
