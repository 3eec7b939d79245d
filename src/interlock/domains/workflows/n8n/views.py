"""What the one who imports is told."""

from interlock.domains.workflows.n8n.states import ImportOutcome
from interlock.domains.workflows.views import Edge, Node, Problem
from interlock.kit.ids import WorkflowId
from interlock.kit.operations import View


class ImportedNode(View):
    """What became of one node of the file.

    Args:
        node: its id in the workflow; None where it was left out.
    """

    name: str
    type: str
    node: str | None
    kind: str | None
    outcome: ImportOutcome
    notes: tuple[str, ...]


class ImportReport(View):
    """What became of the file.

    Args:
        id: of the draft; None where the graph has problems, so that it was not saved.
        remarks: about the file as a whole.
    """

    id: WorkflowId | None
    name: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    report: tuple[ImportedNode, ...]
    remarks: tuple[str, ...]
    problems: tuple[Problem, ...]
