"""The story of the refund desk, told in a terminal while it happens on a server."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.panel import Panel
from rich.text import Text

from interlock.faces.cli.demo import evidence, setup
from interlock.faces.cli.demo.checks import Check, all_checks
from interlock.faces.cli.demo.client import Api, RunEvent
from interlock.faces.cli.demo.evidence import Attestation, Effects, Evidence
from interlock.faces.cli.demo.material import SCRIPTED_MODEL, Mail
from interlock.faces.cli.demo.review import Desk, dollars
from interlock.faces.cli.demo.timeline import Timeline
from interlock.kit.errors import InterlockError, Kind


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the story plays.

    Args:
        sandbox_url: where the pretend providers answer.
        model: what the agent thinks with.
    """

    console: Console
    api: Api
    desk: Desk
    sandbox_url: str
    model: str
    mail: Mail


def tell(stage: Stage) -> list[Check]:
    """Tell the whole story; what held in the end."""
    _show_mail(stage)
    agent_id, budget = _set_up(stage)
    run_id, timeline = _work(stage, agent_id)
    api = stage.api
    run = api.get(f"/api/v1/runs/{run_id}")
    effects = evidence.effects_in(stage.sandbox_url)
    _show_outcome(stage, timeline, run, effects)
    proof = _print_receipt(stage, run_id, effects)
    approval = next(iter(api.get("/api/v1/approvals", run_id=run_id)), None)
    found = Evidence(
        run=run,
        timeline=timeline,
        approval=approval,
        second_decision=evidence.decide_again(api, approval),
        # Read anew: a second decision might have moved something.
        effects=evidence.effects_in(stage.sandbox_url),
        budget_before=budget,
        budget=api.get("/api/v1/budget"),
        ledger=api.get("/api/ledger/verify"),
        entries=evidence.entries_of(api, run_id),
        attestation=proof,
    )
    return _show_checks(stage, found)


def _heading(stage: Stage, number: int, title: str) -> None:
    stage.console.print()
    stage.console.rule(Text(f"{number}. {title}", style="bold"), align="left", style="dim")


def _show_mail(stage: Stage) -> None:
    mail = stage.mail
    _heading(stage, 1, "A customer writes")
    head = f"From: {mail.sender} <{mail.address}>\nTo: {mail.to}\nDate: {mail.date}\nSubject: {mail.subject}\n\n"
    stage.console.print(Panel(Text(head + mail.text.strip()), border_style="dim", expand=False))
    stage.console.print(
        "The quoted text at the end gives orders. It is data, and nothing reads it as more.", style="dim"
    )


def _set_up(stage: Stage) -> tuple[str, dict[str, Any]]:
    _heading(stage, 2, "The refund desk is set up")
    console = stage.console
    agent_id = setup.ensure_agent(stage.api, stage.model)
    if stopped := setup.stop_earlier_runs(stage.api, agent_id):
        console.print(f"Stopped {stopped} unfinished run(s) of an earlier demo.", style="dim")
    names = setup.connect_accounts(stage.api, stage.sandbox_url)
    console.print(f"Connected to the sandbox on {stage.sandbox_url}: {', '.join(names)}.")
    console.print(
        "The sandbox speaks the providers' wire formats on this machine. For it, the demo's server may reach "
        "127.0.0.0/8, which a server otherwise refuses.",
        style="dim",
    )
    budget = setup.ensure_budget(stage.api)
    cap = "none" if budget["monthly_cap"] is None else f"${budget['monthly_cap']:.2f}"
    console.print(f"Budget: {cap} a month, ${budget['monthly_spent']:.4f} spent; $0.50 a run for this agent.")
    if stage.model == SCRIPTED_MODEL:
        console.print(
            Text.assemble(
                ("No model provider is configured: ", "yellow"),
                f"a scripted conversation ({stage.model}) decides the calls, and the embedded model writes the reply's "
                "text. Set INTERLOCK_ANTHROPIC_API_KEY, INTERLOCK_OPENAI_API_KEY or INTERLOCK_GOOGLE_API_KEY to let "
                "a model think.",
            )
        )
    else:
        console.print(f"The agent thinks with [bold]{stage.model}[/].")
    return agent_id, budget


def _work(stage: Stage, agent_id: str) -> tuple[str, Timeline]:
    _heading(stage, 3, "The agent works")
    mail = stage.mail
    message = {
        "from": mail.sender,
        "address": mail.address,
        "subject": mail.subject,
        "date": mail.date,
        "text": mail.text,
    }
    order = {"input_data": {"task": "Handle this customer message.", "message": message}}
    run_id = str(stage.api.post(f"/api/v1/agents/{agent_id}/run", order)["run_id"])
    stage.console.print(f"Run {run_id}", style="dim")
    timeline = Timeline()
    events = stage.api.events(run_id)
    while True:
        held = _follow(stage, events, timeline)
        if held is None:
            return run_id, timeline
        stage.desk.decide(_pending(stage.api, run_id))


def _follow(stage: Stage, events: Iterator[RunEvent], timeline: Timeline) -> RunEvent | None:
    """Show what happens until a call is held (that event) or the run ends (None)."""
    with Live(get_renderable=timeline.live, console=stage.console, transient=True, refresh_per_second=8):
        for event in events:
            timeline.take(event)
            if event.type == "tool.held":
                return event
    return None


def _pending(api: Api, run_id: str) -> dict[str, Any]:
    found = api.get("/api/v1/approvals", run_id=run_id, status="pending")
    if not found:
        raise InterlockError(
            Kind.CONFLICT, "The call was held, but no approval waits for a decision.", code="no_approval"
        )
    first: dict[str, Any] = found[0]
    return first


def _show_outcome(stage: Stage, timeline: Timeline, run: dict[str, Any], effects: Effects) -> None:
    _heading(stage, 4, "What happened")
    stage.console.print(timeline.table())
    stage.console.print(f"Total ${run['total_cost']:.4f}, {run['total_tokens']} tokens.", style="dim")
    if run["output"]:
        stage.console.print(Panel(Text(str(run["output"].get("text", ""))), title="The agent's report", expand=False))
    for mail in (effect["data"] for effect in effects if effect["kind"] == "mail"):
        stage.console.print(Panel(Text(mail["text"].strip()), title=f"Sent to {mail['to']}", expand=False))


def _print_receipt(stage: Stage, run_id: str, effects: Effects) -> Attestation:
    _heading(stage, 5, "A program that acts by itself asks first")
    refund = next((effect["data"] for effect in effects if effect["kind"] == "refund"), None)
    told = "nothing was refunded"
    if refund is not None:
        told = f"{dollars(refund['amount'])} refunded on {refund['charge']} ({refund['id']})"
    stage.console.print(
        "This terminal prints a receipt: it asks for a verdict, prints, reports the outcome; the server signs that.",
        style="dim",
    )
    args = {"run_id": run_id, "refund_id": None if refund is None else refund["id"]}
    proof = evidence.attested(stage.api, args, lambda: stage.console.print(f"[bold]Receipt:[/] {told}."))
    if proof.claims is not None:
        claims = ", ".join(f"{name} {proof.claims[name]}" for name in ("tool", "decision", "audit_id"))
        stage.console.print(f"Attested: {claims}.", style="dim")
    return proof


def _show_checks(stage: Stage, found: Evidence) -> list[Check]:
    _heading(stage, 6, "What must hold")
    checks = all_checks(stage.mail, found)
    for check in checks:
        mark = ("✓ ", "bold green") if check.holds else ("✗ ", "bold red")
        stage.console.print(Text.assemble(mark, check.title, (f"  {check.seen}", "dim" if check.holds else "red")))
    return checks
