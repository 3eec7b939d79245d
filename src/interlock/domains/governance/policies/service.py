"""Operations on policies, and the verdict that every governed call asks for."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from interlock.domains.governance.budgets import service as budgets
from interlock.domains.governance.budgets.views import Spend
from interlock.domains.governance.ledger import service as ledger
from interlock.domains.governance.ledger.views import EntryEvent, NewEntry
from interlock.domains.governance.locks import hold_workspace
from interlock.domains.governance.policies import applying
from interlock.domains.governance.policies.config import CostConfig, parse_config, stored_config
from interlock.domains.governance.policies.events import PolicyAlerted, PolicyChanged
from interlock.domains.governance.policies.judgement import Spending, judge_attempt
from interlock.domains.governance.policies.repository import Policies
from interlock.domains.governance.policies.rules import Rule, Rules, RulesCache
from interlock.domains.governance.policies.screening import screen_text
from interlock.domains.governance.policies.states import PolicyMode
from interlock.domains.governance.policies.views import (
    AlertChannel,
    Attempt,
    Caller,
    DryRun,
    Match,
    MatchedPolicy,
    Policy,
    PolicyId,
    PolicyType,
    RiskLevel,
    Screening,
    Standing,
    ToolTerms,
    Verdict,
)
from interlock.domains.org import service as org
from interlock.kit.errors import invalid
from interlock.kit.ids import RunId
from interlock.kit.money import ZERO, Usd
from interlock.kit.operations import Audit, Command, Effect, operation
from interlock.kit.paging import Page, PageQuery
from interlock.kit.patch import changes
from interlock.runtime.context import ActorKind, Ctx

Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S", description="What people call it.")]
Mode = Annotated[PolicyMode, Field(description="block, pause, alert or log; start with log, read the audit, promote.")]
Config = Annotated[dict[str, Any], Field(description="What the type needs; see its documentation.")]
Channels = Annotated[tuple[AlertChannel, ...], Field(max_length=3, description="Where an alert is told.")]
ToolName = Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]


class CreatePolicy(Command):
    """A rule over tool calls or model output."""

    name: Name
    type: PolicyType
    mode: Mode = PolicyMode.LOG
    match: Match = Match()
    config: Config = Field(default_factory=dict)
    channels: Channels = ()
    enabled: bool = True


class UpdatePolicy(Command):
    """The fields to change; absent ones stay. The type stays for good."""

    policy_id: PolicyId
    name: Name | None = None
    mode: Mode | None = None
    match: Match | None = None
    config: Config | None = None
    channels: Channels | None = None
    enabled: bool | None = None


class PolicyRef(Command):
    """Which policy."""

    policy_id: PolicyId


class ListPolicies(PageQuery):
    """Which policies, and which page of them."""

    type: PolicyType | None = None
    mode: PolicyMode | None = None
    enabled: bool | None = None


class TryPolicies(Command):
    """A made-up call, and optionally a policy that does not exist yet, in the place of `policy_id` if it is given."""

    tool: ToolName
    args: dict[str, Any] = Field(default_factory=dict)
    agent_id: Annotated[str, Field(max_length=200)] = "default"
    cost_estimate: Usd = ZERO
    requires_approval: bool = False
    risk: RiskLevel = RiskLevel.LOW
    policy: CreatePolicy | None = None
    policy_id: PolicyId | None = None


@operation("policies.create", scope="admin", effect=Effect.WRITE, audit=Audit.LEDGER)
async def create(ctx: Ctx, command: CreatePolicy) -> Policy:
    """Make a policy; by default it only logs what it would do, until it is promoted."""
    policy = await Policies(ctx).add(
        PolicyId.new(),
        name=command.name,
        type=command.type,
        mode=command.mode,
        match=command.match.model_dump(mode="json"),
        config=stored_config(parse_config(command.type, command.config)),
        channels=[channel.value for channel in command.channels],
        enabled=command.enabled,
        created_at=ctx.now,
        updated_at=ctx.now,
    )
    await _changed(ctx, policy, "created", None)
    return policy


@operation("policies.get")
async def get(ctx: Ctx, command: PolicyRef) -> Policy:
    """Show one policy."""
    return await Policies(ctx).get(command.policy_id)


async def find(ctx: Ctx, policy_id: PolicyId) -> Policy | None:
    """A policy, or None where it is retired."""
    return await Policies(ctx).find(policy_id)


@operation("policies.list")
async def list_(ctx: Ctx, command: ListPolicies) -> Page[Policy]:
    """List the workspace's policies, newest first."""
    filters = {"type": command.type, "mode": command.mode, "enabled": command.enabled}
    return await Policies(ctx).page(command, filters)


@operation("policies.update", scope="admin", effect=Effect.WRITE, audit=Audit.LEDGER)
async def update(ctx: Ctx, command: UpdatePolicy) -> Policy:
    """Change a policy, for instance promote it from log to block; the next verdict obeys it."""
    values = changes(command, "policy_id")
    for name, value in values.items():
        if value is None:
            raise invalid(f"'{name}' cannot be null; leave it out to keep it.", field=name)
    policies = Policies(ctx)
    before = await policies.get(command.policy_id)
    if command.config is not None:
        values["config"] = stored_config(parse_config(before.type, command.config))
    if command.match is not None:
        values["match"] = command.match.model_dump(mode="json")
    if command.channels is not None:
        values["channels"] = [channel.value for channel in command.channels]
    policy = await policies.change(command.policy_id, {**values, "updated_at": ctx.now})
    await _changed(ctx, policy, "updated", before)
    return policy


@operation("policies.delete", scope="admin", effect=Effect.WRITE, audit=Audit.LEDGER)
async def delete(ctx: Ctx, command: PolicyRef) -> PolicyId:
    """Retire a policy; evidence keeps the copies it made."""
    policies = Policies(ctx)
    before = await policies.get(command.policy_id)
    await policies.remove(command.policy_id)
    await _changed(ctx, None, "deleted", before)
    return command.policy_id


@operation("policies.dry_run")
async def dry_run(ctx: Ctx, command: TryPolicies) -> DryRun:
    """Show the verdict a call would get, without recording, spending or notifying anything."""
    rules = await _rules(ctx)
    if command.policy is not None:
        if command.policy_id is not None:
            await Policies(ctx).get(command.policy_id)
        rules = rules.plus(Rule(proposed(ctx, command.policy)), command.policy_id)
    caller = Caller(ctx.actor.kind, ctx.actor.id, command.agent_id)
    attempt = Attempt(
        command.tool,
        command.args,
        caller,
        requires_approval=command.requires_approval,
        risk=command.risk,
        cost_estimate=command.cost_estimate,
    )
    verdict = judge_attempt(rules, attempt, await _spending(ctx, rules, attempt))
    return DryRun(
        decision=verdict.decision,
        reason=verdict.reason,
        policy_id=verdict.policy_id,
        matched=tuple(match.as_json() for match in verdict.matched),
        arguments=verdict.recorded,
        masked_fields=verdict.masked_fields,
        controls=verdict.controls,
    )


def proposed(ctx: Ctx, draft: CreatePolicy) -> Policy:
    """A policy that does not exist, for a trial."""
    config = stored_config(parse_config(draft.type, draft.config))
    values = {**dict(draft), "config": config, "created_at": ctx.now, "updated_at": ctx.now}
    return Policy(id=PolicyId.new(), number=0, **values)


def caller_of(ctx: Ctx) -> Caller:
    """The caller of this context as policies and evidence know it."""
    return Caller(ctx.actor.kind, ctx.actor.id, ctx.actor.label)


async def judge(ctx: Ctx, attempt: Attempt) -> Verdict:
    """The verdict on an attempt, inside a unit of work; alerts leave with it."""
    rules = await _rules(ctx)
    verdict = judge_attempt(rules, attempt, await _spending(ctx, rules, attempt))
    if verdict.alerts and not attempt.approved:
        await _alert(ctx, rules, verdict.alerts, attempt.tool, attempt.caller, attempt.run_id)
    return verdict


async def standing(ctx: Ctx, caller: Caller, tools: Mapping[str, ToolTerms], model: str) -> Standing:
    """Which policies stand over the calls that a caller may make, and over what its model says, before any is made."""
    return applying.standing(await _rules(ctx), caller, tools.items(), model)


async def mask_text(ctx: Ctx, tool: str, caller: Caller, text: str) -> str:
    """A text about a call in the form evidence may see, masked by every privacy policy over the tool and caller."""
    for rule in (await _rules(ctx)).for_tool(tool):
        if rule.masker is not None and rule.covers_caller(caller):
            text = rule.masker.text(text)
    return text


async def screen_output(
    ctx: Ctx, text: str, *, caller: Caller | None = None, source: str = "", run_id: RunId | None = None
) -> Screening:
    """What the content policies say to a text a model produced, inside a unit of work; alerts leave with it.

    Args:
        source: what produced it, such as a model or workflow node; a policy's `tools` globs are matched against it.
    """
    rules = await _rules(ctx)
    speaker = caller or caller_of(ctx)
    screening = screen_text(rules, text, speaker, source)
    alerts = tuple(match for match in screening.matched if match.mode is PolicyMode.ALERT)
    await _alert(ctx, rules, alerts, source, speaker, run_id)
    return screening


async def may_stop_output(ctx: Ctx, *, caller: Caller, source: str) -> bool:
    """Whether some content policy could keep this speaker's output back, so that none may be shown before its end."""
    stopping = {PolicyMode.BLOCK, PolicyMode.PAUSE}
    rules = (await _rules(ctx)).content
    return any(rule.mode in stopping and rule.covers_tool(source) and rule.covers_caller(caller) for rule in rules)


async def _rules(ctx: Ctx) -> Rules:
    """The compiled rules and caps, read again only when the workspace's rules have changed."""
    known = ctx.runtime.local(RulesCache).known
    version = ctx.workspace_version or (await org.facts(ctx, ctx.workspace_id)).rules_version
    rules = known.get(ctx.workspace_id)
    if rules is None or rules.version < version:
        rules = Rules(version, await Policies(ctx).enabled(), capped=(await budgets.caps(ctx)).any)
        known[ctx.workspace_id] = rules
    return rules


async def _spending(ctx: Ctx, rules: Rules, attempt: Attempt) -> Spending | None:
    """Where spending stands, read only when some cap asks; None when none does."""
    if attempt.caller.kind is ActorKind.SYSTEM and not attempt.cost_estimate:
        return None  # a free message of the server itself: news of a used-up budget must still get out
    asking = [rule for rule in rules.for_tool(attempt.tool) if isinstance(rule.config, CostConfig)]
    if not asking and not rules.capped:
        return None
    # What is read here decides what is reserved next: two calls must not both find the last dollar.
    await hold_workspace(ctx)
    by_policy: dict[PolicyId, Spend] = {}
    for rule in asking:
        if isinstance(rule.config, CostConfig) and rule.config.per_scope is not None:
            daily = rule.config.period == "day"
            by_policy[rule.policy.id] = await budgets.spent_by_tools(ctx, rule.covers_tool, daily=daily)
    return Spending(await budgets.headroom(ctx, run_id=attempt.run_id, agent_id=attempt.agent_id), by_policy)


async def _alert(
    ctx: Ctx,
    rules: Rules,
    alerts: tuple[MatchedPolicy, ...],
    tool: str,
    caller: Caller,
    run_id: RunId | None,
) -> None:
    for match in alerts:
        await ctx.emit(
            PolicyAlerted(
                policy_id=match.policy_id,
                policy_name=match.name,
                would=match.would.value,
                detail=match.detail,
                tool=tool,
                caller=caller.label,
                caller_kind=caller.kind,
                run_id=run_id,
                channels=rules.channels_of(match.policy_id),
            )
        )


async def _changed(ctx: Ctx, after: Policy | None, action: str, before: Policy | None) -> None:
    """Have verdicts obey the change, and keep evidence of it."""
    policy = after or before
    if policy is None:
        raise ValueError("a change has a before or an after")
    await org.rules_changed(ctx)
    await ledger.record(
        ctx,
        NewEntry(
            event=EntryEvent.POLICY,
            caller_kind=ctx.actor.kind,
            caller_id=ctx.actor.id,
            caller_label=ctx.actor.label,
            reason=f"Policy '{policy.name}' {action}.",
            policy_id=policy.id,
            extra={"action": action, "before": _copy(before), "after": _copy(after)},
        ),
    )
    mode = None if after is None else after.mode
    await ctx.emit(PolicyChanged(policy_id=policy.id, policy_name=policy.name, mode=mode))


def _copy(policy: Policy | None) -> dict[str, Any] | None:
    return None if policy is None else policy.model_dump(mode="json", exclude={"number", "created_at", "updated_at"})
