"""What a caller can do wrong with tools."""

from collections.abc import Sequence
from typing import Any

from interlock.kit.errors import InterlockError, Kind, conflict

CALL_IN_PROGRESS = "call_in_progress"


def unknown_tool(name: str) -> InterlockError:
    """The catalogue has no such tool."""
    return InterlockError(
        Kind.INVALID,
        f"Unknown tool: '{name[:200]}'.",
        code="unknown_tool",
        data={"tool": name[:200]},
        hint="tools/list, or GET /api/mcp/tools, names the tools this caller may use.",
    )


def invalid_arguments(tool: str, problems: Sequence[dict[str, Any]]) -> InterlockError:
    """The arguments do not satisfy the tool's schema; each problem names its field."""
    first = problems[0]
    return InterlockError(
        Kind.INVALID,
        f"Invalid arguments for {tool}: '{first['field']}': {first['problem']}.",
        code="invalid_arguments",
        data={"tool": tool, "field": first["field"], "problems": list(problems)},
        hint="Correct the arguments to fit the tool's input schema.",
    )


def key_reused() -> InterlockError:
    """The idempotency key belongs to another call."""
    return conflict(
        "This idempotency key was used for another tool call.",
        code="idempotency_key_reused",
        field="idempotency_key",
        hint="Use a fresh key for a different call; send the same tool and arguments to repeat one.",
    )


def still_running() -> InterlockError:
    """Another server process is executing this call."""
    return conflict(
        "This call is being executed by another server right now.",
        code=CALL_IN_PROGRESS,
        hint="Repeat it in a moment with the same idempotency key.",
    )
