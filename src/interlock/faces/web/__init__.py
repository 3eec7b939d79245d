"""What every HTTP face shares: bodies, credentials, rate-limit headers, request ids. Knows no domain but accounts."""
