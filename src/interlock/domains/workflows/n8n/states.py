"""How much of a foreign node came over."""

from enum import StrEnum


class ImportOutcome(StrEnum):
    """A placeholder is a human gate that stands for what could not be imported."""

    MAPPED = "mapped"
    PARTLY = "partly"
    PLACEHOLDER = "placeholder"
    LEFT_OUT = "left_out"
