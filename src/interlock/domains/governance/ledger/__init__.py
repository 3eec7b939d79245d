"""The evidence ledger: what was asked, decided and done, in a chain that shows tampering."""
