"""What the server costs: ratios measured in one run against a stated ceiling or peer. Run with `make bench`."""
