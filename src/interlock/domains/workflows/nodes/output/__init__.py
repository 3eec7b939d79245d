"""The result of a workflow."""
