"""What may happen, who must agree, what it may cost, and the evidence: policies, approvals, budgets, ledger, checks."""
