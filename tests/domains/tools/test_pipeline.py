import pytest

from interlock.domains.connectors import service as connectors
from interlock.domains.connectors.views import ConnectorKind
from interlock.domains.governance.budgets import service as budgets
from interlock.domains.governance.policies import service as policies
from interlock.domains.governance.policies.events import PolicyAlerted
from interlock.domains.governance.policies.states import PolicyMode
from interlock.domains.governance.policies.views import Match, PolicyType
from interlock.domains.tools import service as tools
from interlock.domains.tools.adapters.call import AdapterCall, AdapterResult
from interlock.domains.tools.builtin import catalogue_of
from interlock.domains.tools.catalogue import tool_spec
from interlock.domains.tools.states import ToolStatus
from interlock.kit.errors import InterlockError, Kind
from interlock.kit.money import ZERO
from interlock.kit.operations import Nothing
from interlock.runtime.context import Actor, ActorKind
from tests.domains.tools.world import SLACK, ToolWorld


async def _policy(world: ToolWorld, mode: PolicyMode, type: PolicyType = PolicyType.APPROVAL, **config: object) -> None:
    command = policies.CreatePolicy(
        name=f"{type} {mode}", type=type, mode=mode, match=Match(tools=("comms",)), config=config
    )
    await world.base.call(policies.create, command)


async def test_a_call_is_executed_and_put_on_record(either_world: ToolWorld) -> None:
    caller = await either_world.client()
    outcome = await either_world.slack(caller, "refund ready")
    assert outcome.status is ToolStatus.DONE
    assert outcome.result["ok"] is True
    assert outcome.cost == ZERO
    assert [effect["text"] for effect in either_world.effects("slack")] == ["refund ready"]
    (entry,) = await either_world.evidence()
    assert (entry.decision, entry.outcome, entry.tool) == ("authorized", "success", SLACK)
    assert entry.provider_ref == f"{outcome.result['channel']}/{outcome.result['ts']}"
    assert entry.caller_label == "claude"
    call = await either_world.base.call(tools.get_call, tools.CallRef(call_id=outcome.call_id))
    assert call.state.value == "done"
    assert call.arguments == {"channel": "#support", "text": "refund ready"}
    assert call.args_hash == entry.args_hash


async def test_an_unknown_tool_is_a_protocol_error_with_evidence(world: ToolWorld) -> None:
    with pytest.raises(InterlockError) as caught:
        await world.call(await world.client(), "web_search", query="x")
    assert (caught.value.kind, caught.value.code) == (Kind.INVALID, "unknown_tool")
    (entry,) = await world.evidence()
    assert (entry.decision, entry.reason, entry.tool) == ("denied", "unknown_tool", "web_search")


async def test_wrong_arguments_name_the_field_and_never_quote_its_value(world: ToolWorld) -> None:
    with pytest.raises(InterlockError) as caught:
        await world.call(await world.client(), SLACK, channel=531_224_417, text="hi")
    assert caught.value.code == "invalid_arguments"
    assert caught.value.data["field"] == "channel"
    assert "531224417" not in caught.value.message
    (entry,) = await world.evidence()
    assert entry.reason == "invalid_arguments"
    assert entry.extra == {"fields": ["channel"]}
    assert world.effects("slack") == []


@pytest.mark.parametrize("extra", [{"bcc": "x@example.com"}, {"subject": "one\r\nBcc: evil@example.com"}])
async def test_a_mail_takes_no_further_field_and_no_line_break_in_a_header(
    world: ToolWorld, extra: dict[str, str]
) -> None:
    given = {"to": "a@example.com", "subject": "one", "body": "two", **extra}
    with pytest.raises(InterlockError, match="Invalid arguments"):
        await world.call(await world.client(), "comms.send_email", **given)


async def test_an_alias_runs_the_catalogue_tool(world: ToolWorld) -> None:
    outcome = await world.call(await world.client(), "slack_post", channel="#support", text="hi")
    assert (outcome.tool, outcome.status) == (SLACK, ToolStatus.DONE)


async def test_a_blocking_policy_denies_and_names_itself(world: ToolWorld) -> None:
    await _policy(world, PolicyMode.BLOCK)
    outcome = await world.slack(await world.client())
    assert outcome.status is ToolStatus.DENIED
    assert outcome.policy_id is not None
    assert world.effects("slack") == []
    (entry,) = await world.evidence()
    assert (entry.decision, entry.policy_id) == ("denied", str(outcome.policy_id))


async def test_an_alerting_policy_lets_the_call_through_and_tells(world: ToolWorld) -> None:
    await _policy(world, PolicyMode.ALERT)
    assert (await world.slack(await world.client())).status is ToolStatus.DONE
    (alert,) = world.base.heard(PolicyAlerted)
    assert (alert.tool, alert.caller) == (SLACK, "claude")
    (entry,) = await world.evidence()
    assert entry.matched[0]["mode"] == "alert"


async def test_masking_reaches_the_provider_the_record_and_the_evidence(world: ToolWorld) -> None:
    await _policy(world, PolicyMode.BLOCK, PolicyType.DATA_PRIVACY)
    outcome = await world.slack(await world.client(), "card 4242 4242 4242 4242 please")
    assert outcome.status is ToolStatus.DONE
    assert "4242 4242" not in world.effects("slack")[0]["text"]
    (entry,) = await world.evidence()
    assert entry.masked_fields == ("text",)
    call = await world.base.call(tools.get_call, tools.CallRef(call_id=outcome.call_id))
    assert "4242 4242" not in str(call)


async def test_a_client_reaches_only_the_tools_of_its_registration(world: ToolWorld) -> None:
    caller = await world.client(tools=("crm", "slack_post"))
    assert (await world.slack(caller)).status is ToolStatus.DONE
    outcome = await world.call(caller, "comms.send_email", to="a@example.com", subject="s", body="b")
    assert outcome.status is ToolStatus.DENIED
    assert world.effects("gmail") == []
    assert (await world.evidence())[-1].scope == {"tools": ["crm", SLACK], "resources": {}}


async def test_a_client_reaches_only_the_resources_of_its_registration(world: ToolWorld) -> None:
    caller = await world.client(resources={"channel": ("ops-*",)})
    assert (await world.slack(caller)).status is ToolStatus.DENIED
    allowed = await world.call(caller, SLACK, channel="#ops-alerts", text="hi")
    assert allowed.status is ToolStatus.DONE


async def test_an_agents_call_brings_its_own_list(world: ToolWorld) -> None:
    agent = (await world.base.fresh()).acting_as(Actor(ActorKind.AGENT, None, "triage"), frozenset())
    with pytest.raises(InterlockError, match="own list"):
        await world.slack(agent)
    command = tools.CallTool(tool=SLACK, arguments={"channel": "#support", "text": "x"}, allowed_tools=("crm",))
    assert (await tools.call(agent, command)).status is ToolStatus.DENIED


async def test_an_exhausted_budget_denies_with_its_reason(world: ToolWorld) -> None:
    await world.base.call(budgets.update, budgets.UpdateBudget(monthly_cap=ZERO))
    outcome = await world.slack(await world.client())
    assert (outcome.status, outcome.reason) == (ToolStatus.DENIED, "budget_exhausted")
    assert world.effects("slack") == []
    assert (await world.evidence())[-1].reason == "budget_exhausted"


async def test_an_estimate_above_the_cap_denies_and_sets_nothing_aside(world: ToolWorld) -> None:
    await world.base.call(budgets.update, budgets.UpdateBudget.model_validate({"monthly_cap": 1}))
    caller = await world.client()
    command = tools.CallTool.model_validate(
        {"tool": SLACK, "arguments": {"channel": "#support", "text": "x"}, "estimated_cost": 2}
    )
    assert (await tools.call(caller, command)).reason == "budget_exhausted"
    assert (await world.slack(caller)).status is ToolStatus.DONE


async def test_the_cost_an_adapter_reports_is_spent(world: ToolWorld) -> None:
    async def paid(call: AdapterCall) -> AdapterResult:
        return AdapterResult({"ok": True, "_cost_usd": 0.25})

    catalogue_of(world.base.runtime).add(tool_spec("test.paid", "Paid", "Costs.", {"properties": {}}, paid))
    outcome = await world.call(await world.client(), "test.paid")
    assert float(outcome.cost) == 0.25
    assert float((await world.base.call(budgets.get, Nothing())).monthly_spent) == 0.25
    assert (await world.evidence())[-1].cost == outcome.cost


@pytest.mark.parametrize("cost", ["free", float("nan"), -1, True, 10**12])
async def test_a_cost_that_is_no_amount_counts_as_none(world: ToolWorld, cost: object) -> None:
    async def odd(call: AdapterCall) -> AdapterResult:
        return AdapterResult({"ok": True, "_cost_usd": cost})

    catalogue_of(world.base.runtime).add(tool_spec("test.odd", "Odd", "Odd.", {"properties": {}}, odd))
    assert (await world.call(await world.client(), "test.odd")).cost == ZERO


async def test_an_adapter_that_breaks_is_a_failed_call_with_evidence(world: ToolWorld) -> None:
    async def broken(call: AdapterCall) -> AdapterResult:
        raise ZeroDivisionError("secret detail")

    catalogue_of(world.base.runtime).add(tool_spec("test.broken", "Broken", "Breaks.", {"properties": {}}, broken))
    outcome = await world.call(await world.client(), "test.broken")
    assert outcome.status is ToolStatus.FAILED
    assert "secret detail" not in str(outcome.reason)
    assert (await world.evidence())[-1].outcome == "error"


async def test_a_tool_without_an_account_fails_in_the_adapter_stage(world: ToolWorld) -> None:
    ref = connectors.IntegrationRef.model_validate({"id": "int_slack"})
    await world.base.call(connectors.disconnect, ref)
    outcome = await world.slack(await world.client())
    assert outcome.status is ToolStatus.FAILED
    assert "not connected" in str(outcome.reason)
    assert (await world.evidence())[-1].decision == "authorized"
    await world.connect(ConnectorKind.SLACK)
    assert (await world.slack(await world.client())).status is ToolStatus.DONE


async def test_calls_of_another_workspace_do_not_exist(world: ToolWorld) -> None:
    outcome = await world.slack(await world.client())
    other = await world.base.elsewhere()
    async with other.begin(write=False) as reading:
        for read in (tools.get_call, tools.get_outcome):
            with pytest.raises(InterlockError) as caught:
                await read(reading, tools.CallRef(call_id=outcome.call_id))
            assert caught.value.kind is Kind.NOT_FOUND
        assert (await tools.list_calls(reading, tools.ListCalls())).items == ()


async def test_the_catalogue_shows_a_client_what_it_may_use(world: ToolWorld) -> None:
    async with (await world.base.fresh()).begin(write=False) as reading:
        everything = (await tools.catalog(reading, Nothing())).tools
    assert [tool.name for tool in everything] == [
        SLACK, "comms.send_email", "crm.create_contact", "payments.create_refund",
        "workflow.zapier_action", "workflow.n8n_trigger", "workflow.make_scenario", "http.request",
    ]  # fmt: skip
    async with (await world.client(tools=("workflow", "slack_post"))).begin(write=False) as reading:
        some = (await tools.catalog(reading, Nothing())).tools
    assert [tool.namespace for tool in some] == ["comms", "workflow", "workflow", "workflow"]
    async with (await world.client()).begin(write=False) as reading:
        named = tools.offered(reading, ("web_search", "slack_post", SLACK, "crm"))
    assert [tool.name for tool in named] == [SLACK, "crm.create_contact"]
