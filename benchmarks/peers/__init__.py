"""The ceilings and peers that the server is measured against: each a program that only does the bare thing."""
