"""The start of a workflow."""
