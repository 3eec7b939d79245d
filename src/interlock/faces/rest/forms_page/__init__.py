"""The public page of a form, which works without script."""
