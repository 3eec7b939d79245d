"""What may happen, who must agree, what it may cost, and the evidence of it: policies, approvals, budgets, ledger, checks."""
