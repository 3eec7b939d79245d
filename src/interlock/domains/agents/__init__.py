"""Agent definitions: who thinks with which model, with which tools, within which limits."""
