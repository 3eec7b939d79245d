"""Read models over what the other domains have written: nothing here is a fact of its own."""
