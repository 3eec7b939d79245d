"""How workflows are doing: at a glance for all of them, node by node for one run."""
