"""Operations on tools: call one through the five stages, read the catalogue, read past calls."""

from typing import Annotated, Any

from pydantic import Field

from interlock.domains.governance.approvals import service as approvals
from interlock.domains.governance.approvals.views import ApprovalId
from interlock.domains.governance.checks.service import known_tools
from interlock.domains.governance.checks.views import ToolFacts
from interlock.domains.governance.policies import service as policies
from interlock.domains.governance.policies.service import caller_of
from interlock.domains.governance.policies.views import Caller, Standing, ToolTerms
from interlock.domains.tools import evidence
from interlock.domains.tools.builtin import catalogue_of
from interlock.domains.tools.catalogue import ALIASES, narrowed, offers, problems_with
from interlock.domains.tools.errors import invalid_arguments, unknown_tool
from interlock.domains.tools.execution import execute
from interlock.domains.tools.pipeline import admit, outcome_of, scope_for
from interlock.domains.tools.refusal import refuse
from interlock.domains.tools.repository import ToolCalls
from interlock.domains.tools.request import Request, own_key
from interlock.domains.tools.states import CallState
from interlock.domains.tools.views import Tool, ToolCall, ToolCallId, ToolCatalogue, ToolOutcome
from interlock.kit.errors import InterlockError, invalid, not_found
from interlock.kit.ids import AgentId, RunId
from interlock.kit.money import ZERO, Usd
from interlock.kit.operations import Audit, Command, Effect, Nothing, operation
from interlock.kit.paging import Page, PageQuery
from interlock.runtime.context import ActorKind, Ctx, Runtime

ToolName = Annotated[str, Field(min_length=1, max_length=200)]


class CallTool(Command):
    """Which tool, with what, and in whose name.

    Args:
        idempotency_key: repeated by its caller, it answers with the stored outcome; it also reaches the provider.
        run_cap: the ceiling of the run this call belongs to.
        allowed_tools: narrows what the caller may use; an agent's call must bring the agent's own list.
    """

    tool: ToolName
    arguments: dict[str, Any] = Field(default_factory=dict)
    idempotency_key: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    run_id: RunId | None = None
    agent_id: AgentId | None = None
    estimated_cost: Usd = ZERO
    run_cap: Usd | None = None
    allowed_tools: Annotated[tuple[ToolName, ...], Field(max_length=200)] | None = None


class CallRef(Command):
    """Which call."""

    call_id: ToolCallId


class ListCalls(PageQuery):
    """Which calls, and which page of them."""

    tool: ToolName | None = None
    state: CallState | None = None
    run_id: RunId | None = None


class WhichPolicies(Command):
    """A caller to be: an agent as it is, or as it is about to be saved."""

    tools: Annotated[tuple[ToolName, ...], Field(max_length=200, description="Names, namespaces or aliases.")]
    agent_id: AgentId | None = None
    agent_name: Annotated[str, Field(max_length=200)] = ""
    model: Annotated[str, Field(max_length=200)] = ""


@operation("tools.call", effect=Effect.EXTERNAL, audit=Audit.LEDGER)
async def call(ctx: Ctx, command: CallTool) -> ToolOutcome:
    """Use a tool: validated, judged by policy, held for a person where one must agree, executed, and put on record.

    Raises:
        InterlockError: unknown_tool, invalid_arguments (both on record by then), or an idempotency key of another call.
    """
    request = await _validated(ctx, command)
    admitted = await admit(ctx, request)
    return admitted if isinstance(admitted, ToolOutcome) else await execute(ctx, admitted)


async def _validated(ctx: Ctx, command: CallTool) -> Request:
    """The first stage: the tool exists, and the arguments satisfy its schema."""
    if ctx.actor.kind is ActorKind.AGENT and command.allowed_tools is None:
        raise invalid("An agent's call must bring the agent's own list of tools.", field="allowed_tools")
    caller = caller_of(ctx)
    spec = catalogue_of(ctx).find(command.tool)
    problem: InterlockError | None = None
    if spec is None:
        problem = unknown_tool(command.tool)
    elif problems := problems_with(spec, command.arguments):
        problem = invalid_arguments(spec.name, problems)
    if spec is None or problem is not None:
        problem = problem or unknown_tool(command.tool)
        async with ctx.begin() as unit:
            await evidence.record_invalid(
                unit, caller, command.tool, command.arguments, problem, command.run_id, command.agent_id
            )
        raise problem
    identity = None if caller.id is None else str(caller.id)
    return Request(
        spec=spec,
        arguments=command.arguments,
        caller=caller,
        request_hash=ctx.runtime.secrets.keyed_digest([caller.kind, identity, spec.name, command.arguments]),
        idempotency_key=own_key(caller, command.idempotency_key),
        run_id=command.run_id,
        agent_id=command.agent_id,
        estimated_cost=command.estimated_cost,
        run_cap=command.run_cap,
        allowed_tools=command.allowed_tools,
    )


@operation("tools.catalog")
async def catalog(ctx: Ctx, command: Nothing) -> ToolCatalogue:
    """List the tools this caller may use, with schema, risk, and whether a person must always agree."""
    scope = await scope_for(ctx, caller_of(ctx))
    return ToolCatalogue(tools=tuple(spec.tool for spec in catalogue_of(ctx) if offers(scope, spec.tool)))


@operation("tools.policies")
async def policies_over(ctx: Ctx, command: WhichPolicies) -> Standing:
    """Show which policies stand over an agent's tools, in the order in which they are asked."""
    caller = Caller(ActorKind.AGENT, command.agent_id, command.agent_name)
    known = {tool.name: ToolTerms(tool.requires_approval, tool.risk) for tool in offered(ctx, command.tools)}
    return await policies.standing(ctx, caller, known, command.model)


@operation("tools.get_outcome")
async def get_outcome(ctx: Ctx, command: CallRef) -> ToolOutcome:
    """Show what became of a tool call, in the form its caller got or would get."""
    row = await ToolCalls(ctx).row(command.call_id)
    if row is None:
        raise not_found("tool call", command.call_id)
    return outcome_of(row)


@operation("tools.get_call")
async def get_call(ctx: Ctx, command: CallRef) -> ToolCall:
    """Show one tool call, its arguments masked."""
    return await ToolCalls(ctx).get(command.call_id)


@operation("tools.list_calls")
async def list_calls(ctx: Ctx, command: ListCalls) -> Page[ToolCall]:
    """List tool calls, newest first."""
    return await ToolCalls(ctx).page(command, {"tool": command.tool, "state": command.state, "run_id": command.run_id})


async def abandon_run(ctx: Ctx, run_id: RunId, reason: str) -> int:
    """Refuse every held call of a run that has ended, inside its unit of work; tells how many there were.

    That includes calls a person has just approved, as long as their execution has not begun: whoever comes to execute
    them finds them refused. A call that is already executing is not interrupted: it finishes, and is put on record.
    """
    refused = 0
    for row in await ToolCalls(ctx).held_of_run(run_id):
        gate = approvals.ApprovalRef(approval_id=ApprovalId.parse(row.escalation_id))
        refused += await refuse(ctx, row, await approvals.get(ctx, gate), reason, None)
    return refused


def offered(ctx: Ctx, names: tuple[str, ...]) -> tuple[Tool, ...]:
    """The tools of the catalogue that a list of names, namespaces and aliases stands for."""
    scope = narrowed(names)
    return tuple(spec.tool for spec in catalogue_of(ctx) if offers(scope, spec.tool))


def tell_checks(runtime: Runtime) -> None:
    """Hand down what checks must know of each tool, by every name: whether a person must always agree, and its risk."""
    known = known_tools(runtime)
    for spec in catalogue_of(runtime):
        facts = ToolFacts(spec.tool.requires_approval, spec.tool.risk, spec.tool.connector)
        for name in (spec.name, *(alias for alias, meant in ALIASES.items() if meant == spec.name)):
            known.tell(name, facts)
