"""A workspace with something on every page: Northwind, a shop for gardeners, on an ordinary day."""

import asyncio
import json
import random
import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from interlock.domains.governance.budgets import service as budgets
from interlock.domains.governance.budgets.views import UsageKind
from interlock.domains.notifications.service import NewNotification, notify
from interlock.domains.notifications.states import NotificationKind
from interlock.domains.webhooks.call_log import call_log_of
from interlock.kit.ids import AgentId
from interlock.sandbox import Sandbox
from tests.support.places import Place
from tests.support.story import CHARGE, CREDENTIALS

PATIENCE_SECONDS = 60
DAYS = 30
_PARAMETER = re.compile(r"{(\w+)(?::\w+)?}")
MODELS = (
    ("anthropic:claude-sonnet-4-6", "anthropic", 0.9),
    ("openai:gpt-4.1", "openai", 0.6),
    ("google:gemini-2.5-flash", "google", 0.2),
)
REFUND_TOOLS = ("crm.create_contact", "payments.create_refund", "comms.send_email", "comms.send_slack_message")
MAIL = (
    "Hello, I was charged twice for order NW-10482. Please give me back the second charge, "
    f"{CHARGE}. Kind regards, Maya Okafor"
)
_ENDED = {"run.completed", "run.failed", "run.cancelled", "run.budget_exceeded"}
FACTS = (
    ("Refunds above $50 need a person's approval; below that the desk decides.", "business", 9),
    ("Maya Okafor has been a customer since 2019 and prefers e-mail.", "fact", 6),
    ("Orders ship on Mondays and Thursdays from the Utrecht warehouse.", "business", 7),
    ("Frost-sensitive plants are not sent between December and February.", "business", 8),
    ("The team reads #refunds in the morning.", "preference", 4),
)
THREE_NODES: dict[str, Any] = {
    "nodes": [
        {"id": "start", "kind": "trigger"},
        {"id": "shape", "kind": "transform", "config": {"fields": {"total": "{{ input.price * input.count }}"}}},
        {"id": "answer", "kind": "output", "config": {"value": "{{ input }}"}},
    ],
    "edges": [{"source": "start", "target": "shape"}, {"source": "shape", "target": "answer"}],
}


@dataclass(frozen=True)
class Showcase:
    """What was put there.

    Args:
        ids: public ids by the name of a path's parameter.
        below: the same, for paths that begin so.
        yesterday: what was spent on it.
    """

    ids: dict[str, str]
    below: dict[str, dict[str, str]]
    yesterday: Decimal

    def fill(self, path: str) -> str:
        """The path with its parameters replaced by what is there.

        Raises:
            LookupError: for a parameter nobody has put an example of.
        """
        ids = dict(self.ids)
        for start, special in self.below.items():
            if path.startswith(start):
                ids |= special
        missing = [name for name in _PARAMETER.findall(path) if name not in ids]
        if missing:
            raise LookupError(f"{path}: put an example of {missing} into tests/support/showcase.py")
        return _PARAMETER.sub(lambda found: ids[found[1]], path)


async def connect(place: Place, sandbox: Sandbox) -> None:
    """Connect four accounts to the pretend providers."""
    for key, name, credentials in CREDENTIALS:
        body = {"base_url": f"{sandbox.base_url}/{name}", "credentials": credentials}
        await place.api("POST", f"/api/v1/integrations/{key}/connect", body)


def write_conversation(place: Place, name: str, turns: list[dict[str, Any]]) -> str:
    """Put a conversation file where the server looks for it; returns the name of its model."""
    folder = place.data_dir / "scripts"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps({"label": name, "turns": turns}))
    return f"scripted:{name}"


def refund_turns() -> list[dict[str, Any]]:
    """What the model of the refund desk says, turn by turn."""
    reply = "Hi Maya, we are sorry. The second payment of $64.90 is on its way back to your card."
    refund = {"charge_id": CHARGE, "amount_cents": 6490, "reason": "duplicate"}
    mail = {"to": "maya.okafor@fernleaf.example", "subject": "Your refund", "body": reply}
    note = {"channel": "#refunds", "text": f"Refunded $64.90 on {CHARGE} (order NW-10482)."}
    contact = {"email": "maya.okafor@fernleaf.example", "first_name": "Maya", "last_name": "Okafor"}
    calls = [dict(zip(("tool", "arguments"), call, strict=True)) for call in zip(
        REFUND_TOOLS, (contact, refund, mail, note), strict=True)]  # fmt: skip
    turns: list[dict[str, Any]] = [{"text": None, "tool_calls": [call]} for call in calls]
    turns[0]["text"] = "The customer was charged twice. First I put her on file."
    turns[2]["expect"] = {"contains": "re_"}
    return [*turns, {"text": "Done: the second charge of order NW-10482 is refunded, and Maya knows."}]


async def refund_agent(place: Place, name: str = "Refund desk") -> str:
    """The agent of the refund story; returns its id."""
    made = await place.api(
        "POST",
        "/api/v1/agents",
        {
            "name": name,
            "model": write_conversation(place, "refund-story", refund_turns()),
            "system_prompt": "You are the refund desk of Northwind, a shop for gardeners.",
            "tools": list(REFUND_TOOLS),
            "max_iterations": 10,
            "budget_per_run": 0.5,
        },
    )
    return str(made["id"])


async def until(place: Place, run_id: str, *kinds: str) -> str:
    """Wait for an event of a run, or for its end; returns what came."""
    ctx = await place.ctx()
    async with asyncio.timeout(PATIENCE_SECONDS):
        async for event in place.runtime.streams.follow(ctx, f"run:{run_id}", 0):
            if event is not None and (event.type in kinds or event.type in _ENDED):
                return event.type
    raise LookupError(f"the events of {run_id} ended without one of {kinds}")


async def ask_for_refund(place: Place, agent_id: str) -> str:
    """Start a run that comes to rest before the refund; returns its id."""
    order = {"input_data": {"task": "Handle this customer message.", "message": MAIL}}
    run = await place.api("POST", f"/api/v1/agents/{agent_id}/run", order)
    assert await until(place, run["run_id"], "tool.held") == "tool.held"
    return str(run["run_id"])


async def furnish(place: Place, sandbox: Sandbox) -> Showcase:
    """Fill the workspace: every page has something to show, and one refund waits for a decision."""
    await connect(place, sandbox)
    await place.api(
        "PATCH",
        "/api/v1/budget",
        {"monthly_cap": 80, "daily_cap": 10, "alerts": [{"threshold_percent": 80, "channels": ["email"]}]},
    )
    ids = await _rules(place)
    ids["agent_id"] = await refund_agent(place)
    yesterday = await _spend(place, AgentId.parse(ids["agent_id"]))
    done = await ask_for_refund(place, ids["agent_id"])
    (approval,) = await place.api("GET", f"/api/v1/approvals?run_id={done}&status=pending")
    await place.api("POST", f"/api/v1/approvals/{approval['id']}/approve", {"comment": "Charged twice, indeed."})
    assert await until(place, done) == "run.completed"
    await _failure(place)
    ids |= await _workflow(place)
    ids |= await _chat(place, ids["agent_id"])
    ids |= await _knowledge(place)
    ids |= await _triggers(place, ids)
    held = await ask_for_refund(place, ids["agent_id"])
    (waiting,) = await place.api("GET", f"/api/v1/approvals?run_id={held}&status=pending")
    provider = {"name": "openrouter", "kind": "openai", "base_url": f"{sandbox.base_url}/v1", "credential": "sk-demo"}
    ids["provider_id"] = (await place.api("POST", "/api/v1/providers", provider))["id"]
    ids["id"] = "int_stripe"
    (system, *_) = await place.api("GET", "/api/v1/registry")
    ids["system_id"] = system["id"]
    (entry, *_) = await place.api("GET", "/api/ledger")
    ids |= {"run_id": done, "approval_id": waiting["id"], "entry_id": entry["id"], "position": "0", "version": "1"}
    below = {
        "/chat/": {"run_id": ids.pop("chat_run")},
        "/workflows/": {"run_id": ids.pop("workflow_run"), "node": "shape"},
    }
    return Showcase(ids, below, yesterday)


async def _rules(place: Place) -> dict[str, str]:
    gate = {"name": "Refunds need a person", "type": "approval", "mode": "pause"}
    made = await place.api("POST", "/api/v1/policies", {**gate, "match": {"tools": ["payments.create_refund"]}})
    await place.api(
        "POST",
        "/api/v1/policies",
        {
            "name": "Tell us about mails",
            "type": "approval",
            "mode": "log",
            "match": {"tools": ["comms.send_email"]},
        },
    )
    return {"policy_id": made["id"]}


async def _spend(place: Place, agent: AgentId) -> Decimal:
    """Thirty days of model requests, as if they had been made then; returns what the last full day cost."""
    spent: dict[int, Decimal] = {}
    chance = random.Random(10482)
    now = place.runtime.clock.now()
    ctx = await place.ctx()
    for days in range(DAYS, -1, -1):
        moment = now - timedelta(days=days) if days else now
        weekend = moment.weekday() >= 5
        past = replace(ctx, runtime=replace(ctx.runtime, clock=_Still(moment)))
        async with past.begin() as writing:
            for index, (model, provider, dear) in enumerate(MODELS):
                cost = Decimal(str(round(dear * chance.uniform(0.4, 1.4) * (0.3 if weekend else 1), 4)))
                spent[days] = spent.get(days, Decimal(0)) + cost
                await budgets.settle(
                    writing,
                    budgets.Settle(
                        kind=UsageKind.MODEL,
                        cost=cost,
                        reference=f"showcase-{days}-{index}-{place.owner.email}",
                        agent_id=agent if index == 0 else None,
                        model=model,
                        provider=provider,
                        input_tokens=int(cost * 180_000),
                        output_tokens=int(cost * 22_000),
                    ),
                )
    return spent[1]


@dataclass(frozen=True)
class _Still:
    moment: datetime

    def now(self) -> datetime:
        return self.moment


async def _workflow(place: Place) -> dict[str, str]:
    made = await place.api("POST", "/api/v1/workflows", {"name": "Price an order", **THREE_NODES})
    await place.api("PATCH", f"/api/v1/workflows/{made['id']}", {"status": "published"})
    order = {"input_data": {"price": 12.5, "count": 4}}
    run = await place.api("POST", f"/api/v1/workflows/{made['id']}/run", order)
    assert await until(place, run["run_id"]) == "run.completed"
    await place.api("POST", "/api/v1/templates/tpl_support_triage/instantiate", {"name": "Support triage"})
    return {"workflow_id": made["id"], "workflow_run": run["run_id"]}


async def _knowledge(place: Place) -> dict[str, str]:
    memories = [
        await place.api("POST", "/api/v1/memory", {"content": text, "type": kind, "importance": weight})
        for text, kind, weight in FACTS
    ]
    columns = [
        {"name": "Order", "type": "text", "required": True},
        {"name": "Customer", "type": "text"},
        {"name": "Amount", "type": "number"},
        {"name": "Paid", "type": "boolean"},
    ]
    table = await place.api("POST", "/api/v1/tables", {"name": "Orders", "columns": columns})
    people = ("Maya Okafor", "Jonas Brandt", "Ines Duarte", "Li Wen", "Tomasz Nowak")
    added = []
    for number, name in enumerate(people):
        row = {"Order": f"NW-{10480 + number}", "Customer": name, "Amount": 20 + 14.5 * number, "Paid": number % 2 == 0}
        added.append(await place.api("POST", f"/api/v1/tables/{table['id']}/rows", {"data": row}))
    text = "# Shipping\n\nWe ship on Mondays and Thursdays. Roses travel bare-rooted from November to March."
    document = await place.api("POST", "/api/v1/knowledge", {"title": "Shipping", "text": text})
    model = write_conversation(place, "greeter", [{"text": "Good day! We ship on Mondays and Thursdays."}])
    bot = await place.api(
        "POST", "/api/v1/chatbots", {"name": "Nora", "model": model, "greeting": "Hi, I am Nora.", "title": "Nora"}
    )
    await place.api("PATCH", f"/api/v1/chatbots/{bot['id']}", {"status": "deployed"})
    return {
        "memory_id": memories[0]["id"],
        "table_id": table["id"],
        "row_id": str(added[-1]["id"]),
        "import_id": await _import(place, table["id"]),
        "document_id": document["id"],
        "chatbot_id": bot["id"],
    }


async def _import(place: Place, table_id: str) -> str:
    """A file that came into the table, of which one line was wrong."""
    file = ("more.csv", b"Order,Customer,Amount\nNW-10490,Ada Lovelace,12\nNW-10491,Bea Ward,many\n", "text/csv")
    answer = await place.server.http.post(
        f"/api/v1/tables/{table_id}/import", files={"file": file}, headers={"x-api-key": place.key}
    )
    assert answer.is_success, answer.text
    return str(answer.json().get("import_id") or answer.json()["id"])


async def _chat(place: Place, agent_id: str) -> dict[str, str]:
    """A conversation with a model that has come to an end, and one with an agent."""
    answer = "We ship on **Mondays** and **Thursdays**. Roses travel bare-rooted from November to March."
    model = write_conversation(place, "shop-talk", [{"text": answer}, {"text": "With pleasure."}])
    chat = await place.api("POST", "/api/v1/chats", {"model": model})
    turn = await place.api("POST", f"/api/v1/chats/{chat['id']}/messages", {"text": "When do you ship roses?"})
    run = str(turn.get("run_id") or turn["id"])
    assert await until(place, run) == "run.completed"
    await place.api("POST", "/api/v1/chats", {"agent_id": agent_id})
    return {"conversation_id": chat["id"], "chat_run": run}


async def _triggers(place: Place, ids: dict[str, str]) -> dict[str, str]:
    when = {"time_zone": "Europe/Berlin", "agent_id": ids["agent_id"], "input_data": {"task": "Look at the mailbox."}}
    schedule = await place.api(
        "POST", "/api/v1/schedules", {"name": "Morning mail", "text": "every weekday at 9am", **when}
    )
    slug = f"orders-{place.owner.email.partition('@')[0]}"
    fields = [
        {"name": "name", "type": "text", "label": "Your name", "required": True},
        {"name": "wish", "type": "textarea", "label": "What would you like to grow?"},
    ]
    form = await place.api("POST", "/api/v1/forms", {"name": "Ask a gardener", "slug": slug, "fields": fields})
    answers = {"name": "Ines Duarte", "wish": "Something blue for a shady corner."}
    submission = await place.api("POST", f"/api/v1/forms/{form['id']}/submit", {"data": answers})
    open_hook = {"workflow_id": ids["workflow_id"], "slug": slug, "secret": None}
    hook = await place.api("POST", "/api/v1/hooks", open_hook)
    await place.api("POST", f"/hooks/{slug}", {"price": 4, "count": 3})
    await call_log_of(place.runtime).write(await place.ctx())  # at once instead of within seconds
    (call,) = await place.api("GET", f"/api/v1/hooks/{hook['id']}/calls")
    subscription = await place.api(
        "POST", "/api/v1/webhooks", {"url": "http://127.0.0.1:9/orders", "events": ["run.*", "approval.*"]}
    )
    delivery = await place.api("POST", f"/api/v1/webhooks/{subscription['id']}/ping")
    async with (await place.ctx()).begin() as ctx:
        item = await notify(ctx, NewNotification(kind=NotificationKind.SYSTEM, title="Welcome", body="All is set up."))
    return {
        "schedule_id": schedule["id"],
        "form_id": form["id"],
        "submission_id": str(submission.get("id") or submission.get("submission_id")),
        "hook_id": hook["id"],
        "call_id": call["id"],
        "subscription_id": subscription["id"],
        "delivery_id": delivery["id"],
        "item_id": str(item),
    }


async def _failure(place: Place) -> None:
    """A run that is stopped by a limit of its agent."""
    (first, *_), limit = refund_turns(), 1
    model = write_conversation(place, "auditor", [first])
    agent = {"name": "Night auditor", "model": model, "tools": [REFUND_TOOLS[0]], "max_iterations": limit}
    made = await place.api("POST", "/api/v1/agents", agent)
    run = await place.api("POST", f"/api/v1/agents/{made['id']}/run", {"input_data": {"task": "Count the stock."}})
    assert await until(place, run["run_id"]) == "run.failed"
