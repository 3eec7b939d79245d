"""Connected accounts: which outside systems a workspace has joined, where they are, and the sealed credentials."""
