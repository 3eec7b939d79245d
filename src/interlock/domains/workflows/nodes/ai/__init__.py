"""A model writes."""
