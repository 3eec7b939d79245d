"""A rest."""
