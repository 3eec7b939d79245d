"""A label by meaning."""
