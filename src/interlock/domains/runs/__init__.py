"""Every execution: an agent's durable loop, its steps, costs, events and ending."""
