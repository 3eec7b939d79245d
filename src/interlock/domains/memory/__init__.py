"""What is remembered: facts with an owner, found by words and by meaning, put into prompts, and forgotten in time."""
