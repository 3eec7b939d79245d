"""One rule a module: `NAME`, and `check(source)` which yields findings."""
