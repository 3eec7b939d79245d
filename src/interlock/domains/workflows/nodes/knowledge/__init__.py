"""Passages of documents."""
