"""Routes about workflows."""

from interlock.domains.workflows import service as workflows
from interlock.domains.workflows.exchange import service as exchange
from interlock.domains.workflows.n8n import service as n8n
from interlock.domains.workflows.watching import service as watching
from interlock.faces.rest.binding import NativeRoute, route
from interlock.faces.rest.wire.base import Deleted
from interlock.faces.rest.wire.runs import NodeTurn, WorkflowRunDetail, WorkflowRunStarted
from interlock.faces.rest.wire.workflows import (
    DocumentRow,
    GraphChecked,
    ImportedWorkflow,
    NodeKindRow,
    VersionRow,
    WorkflowAtWorkRow,
    WorkflowCreated,
    WorkflowDetail,
    WorkflowListed,
    WorkflowRunProgress,
    WorkflowUpdated,
)

ROUTES: tuple[NativeRoute, ...] = (
    route("GET", "/api/v1/workflows", workflows.list_, list[WorkflowListed]),
    route("POST", "/api/v1/workflows", workflows.create, WorkflowCreated),
    route("GET", "/api/v1/workflows/kinds", workflows.node_kinds, NodeKindRow),
    route("POST", "/api/v1/workflows/check", workflows.check_graph, GraphChecked),
    route("GET", "/api/v1/workflows/at-work", watching.at_work, list[WorkflowAtWorkRow]),
    route("POST", "/api/v1/workflows/import", exchange.import_text, ImportedWorkflow),
    route("POST", "/api/v1/workflows/import/n8n", n8n.import_n8n, ImportedWorkflow),
    route("GET", "/api/v1/workflows/{workflow_id}", workflows.get, WorkflowDetail),
    route("PATCH", "/api/v1/workflows/{workflow_id}", workflows.update, WorkflowUpdated),
    route("DELETE", "/api/v1/workflows/{workflow_id}", workflows.delete, Deleted),
    route("GET", "/api/v1/workflows/{workflow_id}/versions", workflows.versions, list[VersionRow]),
    route("GET", "/api/v1/workflows/{workflow_id}/versions/{version}", workflows.get_version, VersionRow),
    route("GET", "/api/v1/workflows/{workflow_id}/document", exchange.export, DocumentRow),
    route("PUT", "/api/v1/workflows/{workflow_id}/document", exchange.apply_text, WorkflowUpdated),
    route("POST", "/api/v1/workflows/{workflow_id}/run", workflows.run, WorkflowRunStarted),
    route("GET", "/api/v1/workflows/{workflow_id}/runs/{run_id}", workflows.get_run, WorkflowRunDetail),
    route("GET", "/api/v1/workflows/{workflow_id}/runs/{run_id}/progress", watching.progress_of, WorkflowRunProgress),
    route("GET", "/api/v1/workflows/{workflow_id}/runs/{run_id}/nodes/{node}", watching.node_steps, list[NodeTurn]),
    route("POST", "/api/v1/runs/{run_id}/again", workflows.run_again, WorkflowRunStarted),
)
