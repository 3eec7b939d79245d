"""The kernel vocabulary: pure types and functions, no I/O and no settings."""
