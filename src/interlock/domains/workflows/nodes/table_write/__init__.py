"""A row of a table."""
