"""Spending: caps, alerts, reservations before a cost is known, and the money ledger."""
