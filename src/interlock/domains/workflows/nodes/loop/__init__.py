"""The same nodes for every item of a list."""
