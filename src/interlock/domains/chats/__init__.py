"""Chats: conversations of people with an agent or a model; every answer is a durable run of the agent loop."""
