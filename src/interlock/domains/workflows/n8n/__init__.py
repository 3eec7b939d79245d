"""From an n8n workflow file to a graph of ours, with a report of what came over and what did not. Pure."""
