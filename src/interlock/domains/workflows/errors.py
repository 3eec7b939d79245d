"""Errors of the workflows domain."""

from collections.abc import Sequence

from interlock.domains.workflows.views import Problem
from interlock.kit.errors import InterlockError, Kind, conflict, invalid

_MOST_SHOWN = 50


def unfit_graph(problems: Sequence[Problem]) -> InterlockError:
    """A graph that cannot be saved; the first problem in words, the others as data."""
    first = problems[0]
    where = f"Node '{first.node}': " if first.node is not None else ""
    more = f" ({len(problems) - 1} more problems in details.problems)" if len(problems) > 1 else ""
    field = first.field if first.node is None else f"nodes[{first.node}].{first.field}"
    return invalid(
        f"{where}{first.message}{more}",
        field=field,
        problems=[problem.model_dump() for problem in problems[:_MOST_SHOWN]],
    )


def version_conflict(name: str, expected: int, current: int) -> InterlockError:
    """Somebody else has saved the workflow since it was read."""
    return conflict(
        f"Workflow '{name}' has version {current} now; yours began with version {expected}.",
        code="version_conflict",
        hint="Read it again and make your changes there, or save without 'expected_version' to replace theirs.",
        current_version=current,
    )


def not_published(name: str) -> InterlockError:
    """A draft was asked to start by something other than a hand."""
    return conflict(
        f"Workflow '{name}' is a draft.", code="workflow_not_published", hint="Set its status to published."
    )


def run_in_flight(name: str) -> InterlockError:
    """A workflow is still at work."""
    return conflict(f"A run of workflow '{name}' has not ended.", hint="Cancel its runs first.")


def too_deep(depth: int) -> InterlockError:
    """Workflows start one another without end."""
    return InterlockError(
        Kind.CONFLICT,
        f"Workflows started one another {depth} levels deep.",
        code="too_deep",
        hint="Does a workflow start itself, maybe through a table?",
    )
