"""From a stranger's file to text and passages, in a process of its own that knows nothing of the server."""
