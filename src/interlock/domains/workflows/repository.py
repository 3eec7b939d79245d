"""Rows of the workflows domain."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, select

from interlock.domains.workflows.models import workflow_versions, workflows
from interlock.domains.workflows.views import Edge, Node, WorkflowRow, WorkflowVersion
from interlock.kit.errors import not_found
from interlock.kit.ids import WorkflowId
from interlock.kit.paging import ListSpec, Page, PageQuery
from interlock.runtime.context import Ctx
from interlock.runtime.repository import Repository

_versions = workflow_versions.c
_MINE = (_versions.workflow_id == bindparam("workflow"), _versions.workspace_id == bindparam("workspace"))
_GRAPH = select(workflow_versions).where(*_MINE, _versions.version == bindparam("version"))
_NEWEST = (
    select(workflow_versions)
    .where(*_MINE)
    .order_by(_versions.version.desc())
    .limit(bindparam("most"))
    .offset(bindparam("skip"))
)
_DROP = delete(workflow_versions).where(*_MINE)


class Workflows(Repository[WorkflowRow]):
    """Workflows of a workspace, newest first, without their graphs."""

    table = workflows
    view = WorkflowRow
    thing = "workflow"
    listing = ListSpec(filters=frozenset({"status"}))


async def keep_graph(
    ctx: Ctx, workflow_id: WorkflowId, version: int, nodes: Sequence[Node], edges: Sequence[Edge]
) -> None:
    """Write a version; it never changes afterwards."""
    row = {
        "workspace_id": ctx.workspace_id,
        "workflow_id": workflow_id,
        "version": version,
        "nodes": [node.model_dump(mode="json", exclude_defaults=True) for node in nodes],
        "edges": [edge.model_dump(mode="json", exclude_defaults=True) for edge in edges],
        "created_by": ctx.actor.user_id,
        "created_at": ctx.now,
    }
    await (await ctx.session()).execute(insert(workflow_versions), row)


async def graph(ctx: Ctx, workflow_id: WorkflowId, version: int) -> WorkflowVersion:
    """Read a version.

    Raises:
        InterlockError: not_found.
    """
    values = {"workflow": workflow_id, "workspace": ctx.workspace_id, "version": version}
    row = (await (await ctx.session()).execute(_GRAPH, values)).first()
    if row is None:
        raise not_found("version of the workflow", version)
    return _view(row)


async def versions(ctx: Ctx, workflow_id: WorkflowId, query: PageQuery) -> Page[WorkflowVersion]:
    """A page of a workflow's versions, newest first."""
    values = {"workflow": workflow_id, "workspace": ctx.workspace_id, "most": query.limit, "skip": query.offset}
    rows = await (await ctx.session()).execute(_NEWEST, values)
    return Page(tuple(_view(row) for row in rows), query.limit, query.offset)


async def drop_graphs(ctx: Ctx, workflow_id: WorkflowId) -> None:
    """Delete every version of a workflow."""
    await (await ctx.session()).execute(_DROP, {"workflow": workflow_id, "workspace": ctx.workspace_id})


def _view(row: Row[Any]) -> WorkflowVersion:
    return WorkflowVersion(
        number=row.id,
        workflow_id=row.workflow_id,
        version=row.version,
        nodes=tuple(Node.model_validate(node) for node in row.nodes),
        edges=tuple(Edge.model_validate(edge) for edge in row.edges),
        created_by=row.created_by,
        created_at=row.created_at,
    )
