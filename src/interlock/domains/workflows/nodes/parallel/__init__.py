"""Several branches at once."""
