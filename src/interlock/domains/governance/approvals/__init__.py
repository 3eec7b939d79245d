"""Gates that wait for a person: opened by the pipeline, settled once, expired in the end."""
