"""Plumbing: database, unit of work, doorway, events, jobs, durable engine, secrets, HTTP. Knows no domain."""
