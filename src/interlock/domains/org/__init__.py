"""The workspace (tenant): plan, AI access, and the version of its rules."""
