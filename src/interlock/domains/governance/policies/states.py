"""How far a policy goes; any mode may follow any other, the intended path is log first, then promote."""

from enum import StrEnum


class PolicyMode(StrEnum):
    """Refuse, hold for a person, let through and notify, or let through and record."""

    BLOCK = "block"
    PAUSE = "pause"
    ALERT = "alert"
    LOG = "log"
