"""The command line: what an operator at the machine does, and the demo."""
