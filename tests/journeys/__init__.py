"""Whole stories told through the public faces."""
