"""How the outside reaches the core. Faces translate; they hold no rule and no SQL."""
