"""Alerts for people: told once over the workspace's channels, tried again where a channel fails, always on record."""
