"""The composition root, the only file that knows everyone: runtime, HTTP application and command line."""

import asyncio
import contextlib
import importlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from interlock.domains.accounts import gates
from interlock.domains.accounts import uses as credential_uses
from interlock.domains.accounts.events import ClientRegistered, ClientTokenChanged
from interlock.domains.accounts.service import claiming, first_start
from interlock.domains.accounts.service.identify import anonymous
from interlock.domains.activity import jobs as activity_jobs
from interlock.domains.activity import service as activity
from interlock.domains.agents import service as agents
from interlock.domains.chatbots import service as chatbots
from interlock.domains.chats import service as chats
from interlock.domains.chats import settling as chat_settling
from interlock.domains.connectors import service as connectors
from interlock.domains.conversations import service as conversations
from interlock.domains.conversations.events import ConversationStarted
from interlock.domains.documents import jobs as document_jobs
from interlock.domains.documents import service as documents
from interlock.domains.forms import jobs as form_jobs
from interlock.domains.forms.events import FormSubmitted
from interlock.domains.forms.service import definition as forms
from interlock.domains.governance.approvals import jobs as approval_jobs
from interlock.domains.governance.approvals import service as approvals
from interlock.domains.governance.approvals.events import ApprovalDecided, ApprovalRequested
from interlock.domains.governance.budgets import jobs as budget_jobs
from interlock.domains.governance.budgets.events import BudgetAlertFired
from interlock.domains.governance.ledger import service as ledger
from interlock.domains.governance.policies.events import PolicyAlerted
from interlock.domains.governance.registry import jobs as registry_jobs
from interlock.domains.governance.registry import service as registry
from interlock.domains.governance.registry import subscribers as registry_subscribers
from interlock.domains.governance.replay import service as replay
from interlock.domains.llm import service as llm
from interlock.domains.llm.service import providers as llm_providers
from interlock.domains.memory import accesses as memory_accesses
from interlock.domains.memory import jobs as memory_jobs
from interlock.domains.memory import service as memory
from interlock.domains.notifications import jobs as notification_jobs
from interlock.domains.notifications import service as notifications
from interlock.domains.notifications import subscribers as notification_subscribers
from interlock.domains.runs import service as runs
from interlock.domains.runs import subscribers as run_subscribers
from interlock.domains.runs.order import AGENT_FLOW, record_failure, run_agent
from interlock.domains.schedules import jobs as schedule_jobs
from interlock.domains.schedules import service as schedules
from interlock.domains.schedules.events import ScheduleFailed, ScheduleFired
from interlock.domains.settings import service as workspace_settings
from interlock.domains.tables import importing as table_imports
from interlock.domains.tables import service as tables
from interlock.domains.tables.events import TableTriggerFired
from interlock.domains.tools import jobs as tool_jobs
from interlock.domains.tools import service as tools
from interlock.domains.tools import subscribers as tool_subscribers
from interlock.domains.tools.events import ToolCallSettled
from interlock.domains.webhooks import jobs as webhook_jobs
from interlock.domains.webhooks import service as webhooks
from interlock.domains.webhooks import subscribers as webhook_subscribers
from interlock.domains.webhooks import work as webhook_work
from interlock.domains.workflows import jobs as workflow_jobs
from interlock.domains.workflows import service as workflows
from interlock.domains.workflows import subscribers as workflow_subscribers
from interlock.domains.workflows.order import WORKFLOW_FLOW
from interlock.domains.workflows.walk import walk_workflow, workflow_failed
from interlock.faces.cli.app import build as build_cli
from interlock.faces.cli.composition import Composition
from interlock.faces.dashboard import app as dashboard
from interlock.faces.dashboard.refusals import http_exception, unexpected_response
from interlock.faces.mcp import announcements as mcp_announcements
from interlock.faces.mcp import app as mcp
from interlock.faces.mcp import connections as mcp_connections
from interlock.faces.mcp import stdio as mcp_stdio
from interlock.faces.openai import routes as openai
from interlock.faces.rest import app as rest
from interlock.faces.web.middleware import Edge
from interlock.kit.clock import SystemClock
from interlock.kit.ids import WorkflowId
from interlock.runtime import daily, data_dir, migrations, search, server_facts
from interlock.runtime import jobs as runtime_jobs
from interlock.runtime.changes import Changes
from interlock.runtime.context import Ctx, Runtime
from interlock.runtime.database import open_database
from interlock.runtime.durable import Durable
from interlock.runtime.durable.embedded import EmbeddedDurable
from interlock.runtime.events import Streams
from interlock.runtime.http import GuardedHttp
from interlock.runtime.jobs import Jobs
from interlock.runtime.secrets import load_secrets
from interlock.runtime.settings import Settings

DOMAINS = (
    activity,
    agents,
    chatbots,
    chats,
    connectors,
    conversations,
    documents,
    forms,
    memory,
    notifications,
    runs,
    schedules,
    tables,
    tools,
    webhooks,
    workflows,
    workspace_settings,
)
CLOSE_ABANDONED = "tools.close_abandoned"
DAILY = (
    activity_jobs.PURGE,
    memory_jobs.FORGET,
    form_jobs.PURGE_SPAM,
    notification_jobs.PURGE,
    runtime_jobs.PURGE,
    schedule_jobs.TIDY,
    search.PURGE,
    webhook_jobs.PURGE,
    registry_jobs.NIGHTLY,
    CLOSE_ABANDONED,
)
FIRST_KEY_FILE = "first-key"
_DBOS = "interlock.runtime.durable.dbos"


def build_runtime(settings: Settings, server: str) -> Runtime:
    """The machinery of one process, wired but not started."""
    master_key = settings.master_key.get_secret_value() if settings.master_key else None
    runtime = Runtime(
        settings=settings,
        database=open_database(settings),
        secrets=load_secrets(settings.data_dir, master_key),
        clock=SystemClock(),
        streams=Streams(settings.database_url if settings.is_postgres else None),
        jobs=Jobs(),
        durable=_durable(settings),
        http=GuardedHttp(settings),
        server=server,
        gates=(gates.known_caller, gates.scope_held, gates.ai_access),
        audit=activity.write_audit_row,
        changes=Changes(settings.database_url if settings.is_postgres else None),
    )
    _subscribe(runtime)
    tools.tell_checks(runtime)
    replay.tell(runtime, approvals.arguments_of, tools.arguments_of)
    tables.tell_workflows(runtime, _require_workflow)
    return runtime


async def _require_workflow(ctx: Ctx, key: WorkflowId) -> None:
    """Raise not_found where a workflow is not there."""
    await workflows.get(ctx, workflows.WorkflowRef(workflow_id=key))


def _durable(settings: Settings) -> Durable:
    """The engine for the database; the one for PostgreSQL is loaded only where it is used."""
    if settings.is_postgres:
        engine: Durable = importlib.import_module(_DBOS).DbosDurable(settings.database_url)
        return engine
    return EmbeddedDurable()


def _subscribe(runtime: Runtime) -> None:
    """Who hears of what: the whole of the upward news in one place."""
    jobs = runtime.jobs
    activity_jobs.register(jobs)
    jobs.register(table_imports.IMPORT_JOB, table_imports.ImportJob, table_imports.run_import)
    daily.register(jobs, CLOSE_ABANDONED, tool_jobs.close_abandoned)
    daily.register(jobs, runtime_jobs.PURGE, runtime_jobs.drop_dead)
    daily.register(jobs, search.PURGE, search.purge)
    approval_jobs.register(jobs)
    budget_jobs.register(jobs)
    chat_settling.register(jobs)
    document_jobs.register(jobs)
    document_jobs.PASSAGES.register(jobs, llm.vectors_of)
    form_jobs.register(jobs)
    memory_jobs.register(jobs)
    notification_jobs.register(jobs)
    registry_jobs.register(jobs)
    named = (registry_subscribers.systems, agents.systems, connectors.systems, llm_providers.systems, workflows.systems)
    registry.tell(runtime, *named)
    jobs.subscribe(ClientRegistered, "registry.on_client_registered", registry_subscribers.on_client_changed)
    jobs.subscribe(ClientTokenChanged, "registry.on_client_token_changed", registry_subscribers.on_client_changed)
    schedule_jobs.register(jobs)
    jobs.subscribe(ApprovalDecided, "tools.on_approval_decided", tool_subscribers.on_approval_decided)
    jobs.subscribe(ToolCallSettled, "runs.wake_waiting_run", run_subscribers.wake_waiting_run)
    jobs.subscribe(ToolCallSettled, "mcp.announce_settled", mcp_announcements.announce_settled)
    jobs.subscribe(ClientTokenChanged, "mcp.close_streams", mcp_connections.on_client_token_changed)
    told = notification_subscribers
    jobs.subscribe(PolicyAlerted, "notifications.on_policy_alerted", told.on_policy_alerted)
    jobs.subscribe(BudgetAlertFired, "notifications.on_budget_alert_fired", told.on_budget_alert_fired)
    jobs.subscribe(ApprovalRequested, "notifications.on_approval_requested", told.on_approval_requested)
    jobs.subscribe(ToolCallSettled, "notifications.on_tool_call_settled", told.on_tool_call_settled)
    webhook_jobs.register(jobs)
    webhook_subscribers.announce_runs(jobs)
    webhook_subscribers.announce(jobs, ApprovalRequested, "approval.requested")
    webhook_subscribers.announce(jobs, ApprovalDecided, "approval.decided")
    webhook_subscribers.announce(jobs, BudgetAlertFired, "budget.alert")
    webhook_subscribers.announce(jobs, PolicyAlerted, "policy.alerted")
    webhook_subscribers.announce(jobs, FormSubmitted, "form.submitted")
    webhook_subscribers.announce(jobs, ConversationStarted, "conversation.started")
    webhook_subscribers.announce(jobs, ScheduleFired, "schedule.fired")
    webhook_subscribers.announce(jobs, ScheduleFailed, "schedule.failed")
    workflow_jobs.register(jobs)
    jobs.subscribe(ApprovalDecided, "workflows.wake_gate", workflow_subscribers.wake_gate)
    jobs.subscribe(TableTriggerFired, "workflows.start_for_row", workflow_subscribers.start_for_row)
    runtime.durable.register(AGENT_FLOW, run_agent, on_failure=record_failure)
    runtime.durable.register(WORKFLOW_FLOW, walk_workflow, on_failure=workflow_failed)


@contextlib.asynccontextmanager
async def opened(settings: Settings, *, server: str | None = None) -> AsyncIterator[Runtime]:
    """The database at its newest schema and everything that hangs on it, with nothing at work."""
    runtime = build_runtime(settings, server or data_dir.new_server_name())
    try:
        await asyncio.to_thread(migrations.upgrade, settings)
        async with anonymous(runtime, request_id="start", face="main").begin() as ctx:
            await server_facts.check_master_key(ctx)
            await ledger.ensure_keys(ctx)
        yield runtime
    finally:
        await llm.shut_down(runtime)
        await runtime.http.close()
        await runtime.database.close()


@contextlib.asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Runtime]:
    """A started server process: jobs, durable runs and streams at work; what was started is stopped in reverse."""
    async with contextlib.AsyncExitStack() as started:
        home = started.enter_context(data_dir.held(settings))
        runtime = await started.enter_async_context(opened(settings, server=home.server))
        await runtime.streams.start()
        started.push_async_callback(runtime.streams.close)
        await runtime.changes.start()
        started.push_async_callback(runtime.changes.close)
        await runtime.durable.start_up(runtime)
        started.push_async_callback(runtime.durable.shut_down)
        started.push_async_callback(memory_accesses.shut_down, runtime)
        started.push_async_callback(credential_uses.shut_down, runtime)
        root = anonymous(runtime, request_id="start", face="main")
        for name in DAILY:
            await daily.plan(root, name)
        await tool_jobs.close_abandoned(root)
        await approval_jobs.expire_overdue(root)
        await registry_jobs.begin(root)
        await schedule_jobs.recover(root)
        worker = asyncio.create_task(runtime.jobs.run(runtime))
        started.push_async_callback(_stop_jobs, runtime.jobs, worker)
        await started.enter_async_context(webhook_work.at_work(runtime))
        started.callback(mcp_connections.connections_of(runtime).close_all)
        yield runtime


async def _stop_jobs(jobs: Jobs, worker: asyncio.Task[None]) -> None:
    await jobs.stop()
    await worker


async def first_key(runtime: Runtime) -> str | None:
    """At the first start of all, the fresh key, written to `<data-dir>/first-key`; else None."""
    async with anonymous(runtime, request_id="first-start", face="cli").begin() as ctx:
        key = await first_start.found(ctx, workspace_name="default", owner_name="Owner")
    if key is None:
        return None
    _write_private(runtime.settings.data_dir / FIRST_KEY_FILE, key.secret)
    return key.secret


async def setup_code(runtime: Runtime) -> str | None:
    """The code with which the owner chooses the first password; None once there is one."""
    async with anonymous(runtime, request_id="first-start", face="cli").begin(write=False) as ctx:
        return await claiming.open_setup_code(ctx)


def _write_private(path: Path, content: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        os.fchmod(descriptor, 0o600)  # a file that was there keeps its mode otherwise
        file.write(content + "\n")


def create_app(runtime: Runtime) -> ASGIApp:
    """The HTTP application over a started runtime."""
    handlers = {HTTPException: http_exception, Exception: unexpected_response}
    routes = [*mcp.routes(), *openai.routes(), *rest.routes(), *dashboard.routes()]
    inner = Starlette(routes=routes, exception_handlers=handlers)
    inner.router.redirect_slashes = False  # no face redirects: clients that do not follow would see a broken reply
    inner.state.runtime = runtime
    return Edge(inner, runtime)


cli = build_cli(
    Composition(
        running=running,
        maintenance=opened,
        create_app=create_app,
        first_key=first_key,
        setup_code=setup_code,
        openapi=rest.openapi,
        mcp_stdio=mcp_stdio.serve,
    )
)
