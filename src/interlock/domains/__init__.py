"""What Interlock does, one package per domain. Knows no web framework."""
