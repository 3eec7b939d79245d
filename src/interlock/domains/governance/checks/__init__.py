"""Verdicts for programs that act themselves: ask before, report after, get a proof."""
