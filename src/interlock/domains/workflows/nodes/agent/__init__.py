"""An agent does a task."""
