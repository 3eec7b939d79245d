"""OpenAI's wire in front of the model gateway: chat completions, embeddings, models. Any OpenAI client works."""
