"""Workflows as text: one document, written as YAML or JSON, that reads back as what it was."""
