"""Another workflow."""
