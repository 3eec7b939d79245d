"""Workflows on offer: graphs as data files in `graphs`, copied into drafts that belong to whoever takes them."""
