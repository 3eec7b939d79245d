"""The system log: who called which writing operation. Operational and short-lived; the ledger is the evidence."""
