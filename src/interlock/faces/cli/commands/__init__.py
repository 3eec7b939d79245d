"""The commands, one file per area; they translate flags to operations and results to tables or JSON."""
