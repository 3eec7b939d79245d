"""House rules that no public linter knows, each a short module in `rules`. Run with `python -m tools.lint`."""
