"""Branches come together."""
