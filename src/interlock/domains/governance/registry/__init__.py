"""The AI registry: every agent, client, workflow, model provider and adapter of a workspace, and how risky each is."""
