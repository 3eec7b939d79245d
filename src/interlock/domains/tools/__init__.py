"""Tools: the catalogue, the adapters, and the five-stage pipeline that is the only way any tool runs."""
