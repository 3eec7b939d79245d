"""Operation that brings an n8n workflow in."""

from typing import Annotated, Any

from pydantic import Field

from interlock.domains.workflows.graph import check
from interlock.domains.workflows.n8n.converting import convert
from interlock.domains.workflows.n8n.source import read
from interlock.domains.workflows.n8n.views import ImportReport
from interlock.domains.workflows.palette import kinds
from interlock.domains.workflows.repository import Workflows
from interlock.domains.workflows.service import CreateWorkflow, Name, define
from interlock.kit.errors import invalid
from interlock.kit.ids import WorkflowId
from interlock.kit.operations import Command, Effect, operation
from interlock.runtime.context import Ctx

_UNNAMED = "Imported from n8n"
_LONGEST_NAME = 200


class ImportN8n(Command):
    """The file that n8n gives for a workflow, and which of ours stand for those that it starts."""

    workflow: Annotated[dict[str, Any], Field(description="The JSON of n8n's Download, or of copied nodes.")]
    name: Name | None = None
    subworkflows: Annotated[
        dict[str, WorkflowId], Field(max_length=100, description="By their id in n8n: workflows imported before.")
    ] = Field(default_factory=dict)


@operation("workflows.import_file", scope="workflows", effect=Effect.WRITE)
async def import_n8n(ctx: Ctx, command: ImportN8n) -> ImportReport:
    """Make a draft of an n8n workflow and tell of each node what became of it."""
    source = read(command.workflow)
    for theirs, ours in command.subworkflows.items():
        if await Workflows(ctx).find(ours) is None:
            field = f"subworkflows.{theirs[:80]}"
            raise invalid(f"'{field}': this workspace has no workflow '{ours}'.", field=field, hint="Import it first.")
    made = convert(source, kinds(), command.subworkflows)
    nodes, edges = tuple(made.nodes), tuple(made.edges)
    problems = check(nodes, edges, kinds())
    name = command.name or source.name.strip()[:_LONGEST_NAME] or _UNNAMED
    identity = None
    if not problems:
        description = f"Imported from n8n: {len(source.nodes)} nodes."
        draft = await define(ctx, CreateWorkflow(name=name, description=description, nodes=nodes, edges=edges))
        identity = draft.id
    return ImportReport(
        id=identity,
        name=name,
        nodes=nodes,
        edges=edges,
        report=tuple(made.reports),
        remarks=tuple(made.remarks),
        problems=problems,
    )
