"""Operations on workflows as text: export, import, put a text in the place of a workflow."""

import asyncio
from typing import Annotated

from pydantic import Field

from interlock.domains.workflows import repository
from interlock.domains.workflows.errors import unfit_graph
from interlock.domains.workflows.exchange.document import LONGEST, Source, written
from interlock.domains.workflows.exchange.states import Format
from interlock.domains.workflows.exchange.views import Definition, WorkflowDocument
from interlock.domains.workflows.graph import check
from interlock.domains.workflows.n8n.service import ImportN8n, import_n8n
from interlock.domains.workflows.n8n.views import ImportReport
from interlock.domains.workflows.palette import kinds
from interlock.domains.workflows.repository import Workflows
from interlock.domains.workflows.service import CreateWorkflow, Name, UpdateWorkflow, define, update
from interlock.domains.workflows.views import Problem, Workflow
from interlock.kit.ids import WorkflowId
from interlock.kit.operations import Command, Effect, operation
from interlock.runtime.context import Ctx

_MANY = 50
_LONG = 20_000

Text = Annotated[str, Field(min_length=1, max_length=LONGEST, description="YAML or JSON, as an export gives it.")]


class ExportWorkflow(Command):
    """Which workflow, which of its versions (the newest by default), and how it is written."""

    workflow_id: WorkflowId
    version: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None
    format: Format = Format.YAML


class ImportText(Command):
    """A document of ours, or the JSON of an n8n workflow; it tells by itself which one it is."""

    text: Text
    name: Name | None = None
    subworkflows: Annotated[
        dict[str, WorkflowId],
        Field(max_length=100, description="For n8n: workflows imported before, by their id there."),
    ] = Field(default_factory=dict)


class ApplyText(Command):
    """A document that takes the place of a workflow's name, description, budget and graph."""

    workflow_id: WorkflowId
    text: Text
    expected_version: Annotated[int, Field(ge=1, description="Refuse when it has another version now.")] | None = None


@operation("workflows.export", scope="workflows")
async def export(ctx: Ctx, command: ExportWorkflow) -> WorkflowDocument:
    """Write a workflow down as YAML or JSON; importing that gives the same workflow again."""
    row = await Workflows(ctx).get(command.workflow_id)
    version = command.version or row.version
    graph = await repository.graph(ctx, row.id, version)
    definition = Definition(
        name=row.name, description=row.description, budget=row.budget, nodes=graph.nodes, edges=graph.edges
    )
    if len(graph.nodes) > _MANY:
        text = await asyncio.to_thread(written, definition, command.format)
    else:
        text = written(definition, command.format)
    return WorkflowDocument(workflow_id=row.id, version=version, format=command.format, text=text)


@operation("workflows.import_text", scope="workflows", effect=Effect.WRITE)
async def import_text(ctx: Ctx, command: ImportText) -> ImportReport:
    """Make a draft of a YAML or JSON document, or of an n8n file; tells what stands in the way, by line and field."""
    source = await _source(command.text)
    if source.is_of_n8n:
        wanted = ImportN8n(workflow=source.value, name=command.name, subworkflows=command.subworkflows)
        return await import_n8n(ctx, wanted)
    definition, problems = _read(source)
    identity = None
    if definition is not None and not problems:
        facts = definition.model_dump(exclude={"interlock", "name"})
        identity = (await define(ctx, CreateWorkflow(name=command.name or definition.name, **facts))).id
    given = source.value.get("name")
    return ImportReport(
        id=identity,
        name=command.name or (given[:200] if isinstance(given, str) else ""),
        nodes=() if definition is None else definition.nodes,
        edges=() if definition is None else definition.edges,
        report=(),
        remarks=(),
        problems=problems,
    )


@operation("workflows.apply_text", scope="workflows", effect=Effect.WRITE)
async def apply_text(ctx: Ctx, command: ApplyText) -> Workflow:
    """Put a YAML or JSON document in the place of a workflow; a changed graph is a new version."""
    definition, problems = _read(await _source(command.text))
    if definition is None or problems:
        raise unfit_graph(problems)
    facts = definition.model_dump(exclude={"interlock"})
    wanted = {"workflow_id": command.workflow_id, "expected_version": command.expected_version, **facts}
    return await update(ctx, UpdateWorkflow.model_validate(wanted))


async def _source(text: str) -> Source:
    """A document that was read; a long one without holding the event loop."""
    return await asyncio.to_thread(Source, text) if len(text) > _LONG else Source(text)


def _read(source: Source) -> tuple[Definition | None, tuple[Problem, ...]]:
    definition, problems = source.definition()
    if definition is not None:
        problems = source.located(check(definition.nodes, definition.edges, kinds()))
    return definition, problems
