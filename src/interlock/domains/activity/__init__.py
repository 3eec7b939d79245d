"""The system log: who called which writing operation. Short-lived and operational; the evidence ledger is the permanent record."""
