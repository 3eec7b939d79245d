"""Workflows: definitions of nodes and edges, their versions, and the durable walk through one."""
