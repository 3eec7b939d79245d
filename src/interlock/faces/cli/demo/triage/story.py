"""The support desk told in a terminal, and what must hold in the end."""

from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.prompt import Confirm
from rich.table import Table
from rich.text import Text

from interlock.faces.cli.demo.checks import Check
from interlock.faces.cli.demo.client import Api
from interlock.faces.cli.demo.triage import desk as desks
from interlock.faces.cli.demo.triage.desk import Decide, Desk
from interlock.faces.cli.demo.triage.material import Letter, Material

_CENT_FRACTION = 1e-4


def tell(console: Console, api: Api, material: Material, model: str, *, yes: bool) -> list[Check]:
    """Work the whole folder off; what held in the end."""
    desk = desks.set_up(api, material, model)
    known, letters = len(material.facts), material.letters
    console.print(f"{len(letters)} mails, {known} facts in memory, replies by [bold]{model}[/]. Nothing leaves here.")
    before = api.get("/api/v1/budget")["monthly_spent"]
    earlier = {run["run_id"]: run["total_cost"] for run in desks.runs_of(desk)}
    started = desks.start(desk, letters)
    details: dict[str, dict[str, Any]] = {}
    for letter in letters:
        run = desks.decided(desk, started[letter.id], _decider(console, letter, yes=yes))
        desks.write_down(desk, letter, run)
        details[letter.id] = run
        _show(console, letter, run)
    console.print(_table(desk))
    spent = api.get("/api/v1/budget")["monthly_spent"] - before
    news = sum(run["total_cost"] - earlier.get(run["run_id"], 0) for run in details.values())
    checks = [*_about_mails(desk, material, details), _money(details, spent, news), _ledger(api)]
    console.print()
    for check in checks:
        mark = ("✓ ", "bold green") if check.holds else ("✗ ", "bold red")
        console.print(Text.assemble(mark, check.title, (f"  {check.seen}", "dim" if check.holds else "red")))
    return checks


def _decider(console: Console, letter: Letter, *, yes: bool) -> Decide:
    def decide(approval: dict[str, Any]) -> bool:
        if yes:
            return True
        drafted = approval["arguments"]["review"]["text"]
        shown = Text.assemble((letter.text, "dim"), "\n\n", str(drafted).strip())
        console.print(Panel(shown, title=Text(f"{letter.name}: {letter.subject}"), border_style="yellow", expand=False))
        return Confirm.ask(str(approval["reason"]), console=console)

    return decide


def _show(console: Console, letter: Letter, run: dict[str, Any]) -> None:
    output = run["output"] or {}
    console.print(Text.assemble((f"{letter.name}: ", "bold"), f"{output.get('decision', run['status'])}  "), end="")
    console.print(Text(str(output.get("reply", "")).strip().replace("\n", " ")[:90], style="dim"))


def _table(desk: Desk) -> Table:
    shown = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0), title="What the table holds")
    for name in ("From", "Subject", "Topic", "Decision"):
        shown.add_column(name)
    for row in sorted(desks.rows_of(desk), key=lambda row: str(row["data"]["Mail"])):
        shown.add_row(*(Text(str(row["data"][name])) for name in ("From", "Subject", "Topic", "Decision")))
    return shown


def _about_mails(desk: Desk, material: Material, details: dict[str, dict[str, Any]]) -> list[Check]:
    mails = sorted(letter.id for letter in material.letters)
    written = sorted(row["data"]["Mail"] for row in desks.rows_of(desk))
    completed = sum(run["status"] == "completed" for run in details.values())
    begun = [run["input"].get("id") for run in desks.runs_of(desk) if run["status"] == "completed"]
    twice = sorted({mail for mail in begun if begun.count(mail) > 1})
    gates = [desk.api.get("/api/v1/approvals", run_id=run["run_id"]) for run in details.values()]
    agree = [
        len(found) == 1
        and (run["output"] or {}).get("decision")
        == {"approved": "approved", "rejected": "refused"}.get(found[0]["status"])
        for found, run in zip(gates, details.values(), strict=True)
    ]
    return [
        Check("Every run completed", completed == len(mails), f"{completed} of {len(mails)}"),
        Check("Every mail has its row, once", written == mails, f"{len(written)} rows for {len(mails)} mails"),
        Check("No mail was handled twice", not twice, ", ".join(twice) or f"{len(begun)} runs"),
        Check("Each was decided once, and what a person said was done", all(agree), f"{sum(agree)} of {len(agree)}"),
    ]


def _money(details: dict[str, dict[str, Any]], spent: float, news: float) -> Check:
    off = [
        run["run_id"]
        for run in details.values()
        if abs(sum(part["cost"] for part in (*run["nodes"], *run["mcp_calls"])) - run["total_cost"])
        > _CENT_FRACTION * max(len(run["nodes"]), 1)
    ]
    right = not off and abs(spent - news) <= _CENT_FRACTION * len(details)
    seen = f"do not add up: {', '.join(off)}" if off else f"runs ${news:.4f}, budget ${spent:.4f}"
    return Check("The costs add up, in the runs and against the budget", right, seen)


def _ledger(api: Api) -> Check:
    found = api.get("/api/ledger/verify")
    seen = f"broken at {found['first_invalid']}" if found["first_invalid"] else f"{found['entries']} entries"
    return Check("The evidence ledger verifies", bool(found["valid"]), seen)
