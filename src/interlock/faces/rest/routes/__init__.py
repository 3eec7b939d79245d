"""The route table of the native API, one file per area."""
