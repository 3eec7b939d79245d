"""Adapters: one file per outside system, the only code that acts there. Only this domain may import them."""
