"""How risky a caller is: four dimensions from 0 to 100, their weighted mean, and why."""
