"""A tool, through the pipeline."""
