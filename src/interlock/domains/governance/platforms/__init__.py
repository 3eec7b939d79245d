"""Connections of no-code platforms: a secret URL each, at which Zaps, n8n flows and Make scenarios ask for verdicts."""
