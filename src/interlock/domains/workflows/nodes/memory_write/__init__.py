"""Something to remember."""
