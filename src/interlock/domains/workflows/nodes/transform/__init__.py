"""New data from old."""
