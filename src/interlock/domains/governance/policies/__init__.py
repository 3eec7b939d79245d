"""Rules over tool calls and model output: they refuse, hold, mask, label or only watch."""
