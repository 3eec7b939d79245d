"""A choice between branches."""
