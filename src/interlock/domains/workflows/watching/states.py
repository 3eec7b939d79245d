"""How a node of a run stands."""

from enum import StrEnum


class NodeState(StrEnum):
    """What somebody who watches a run sees of a node; `stopped` was under way when its run ended."""

    WAITING = "waiting"
    RUNNING = "running"
    HELD = "held"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    STOPPED = "stopped"
