"""Webhooks: addresses at which outside programs start work here, and news told to addresses of theirs."""
