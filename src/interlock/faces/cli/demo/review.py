"""The person in between: shows what waits, takes the decision, carries it to the server."""

import sys
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import Enum, auto
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.prompt import Prompt
from rich.table import Table

from interlock.faces.cli.demo.client import Api
from interlock.kit.errors import InterlockError, Kind, invalid


class Reviewer(Enum):
    """Who decides."""

    ASK = auto()
    """Whoever sits at the terminal."""
    YES = auto()
    """Nobody: everything is approved, as asked for."""
    ELSEWHERE = auto()
    """Somebody over the API; the demo waits."""


def reviewer_for(*, yes: bool, keeps_serving: bool) -> Reviewer:
    """Who decides in this terminal.

    Raises:
        InterlockError: INVALID when there is nobody to ask.
    """
    if yes:
        return Reviewer.YES
    if sys.stdin.isatty() and sys.stdout.isatty():
        return Reviewer.ASK
    if keeps_serving:
        return Reviewer.ELSEWHERE
    raise invalid(
        "The demo asks a person to approve the refund, and this is no terminal.",
        field="yes",
        hint="Run `interlock demo --yes` to have everything approved, or run it in a terminal.",
    )


@dataclass(frozen=True, slots=True)
class Desk:
    """Where decisions are taken."""

    console: Console
    api: Api
    reviewer: Reviewer
    key_file: Path

    def decide(self, approval: dict[str, Any]) -> None:
        """Have a pending approval decided, or say how to."""
        self.console.print(_panel(approval))
        path = f"/api/v1/approvals/{approval['id']}"
        if self.reviewer is Reviewer.ELSEWHERE:
            self.console.print(
                "There is no terminal to ask in: the run waits until somebody decides over the API, for example with\n"
                f'  curl -X POST {self.api.base_url}{path}/approve -H "x-api-key: $(cat {self.key_file})"',
                soft_wrap=True,
            )
            return
        if self.reviewer is Reviewer.YES:
            self.console.print("[yellow]--yes:[/] approved without asking.")
            self._tell(path, "approve", {"comment": "approved by --yes"})
            return
        answer = Prompt.ask(
            r"\[a]pprove, \[r]eject or \[e]dit the amount", choices=["a", "r", "e"], console=self.console
        )
        if answer == "r":
            self._tell(path, "reject", {"comment": "rejected in the demo", "reason": "reviewer_said_no"})
        elif answer == "a":
            self._tell(path, "approve", {"comment": "approved in the demo"})
        else:
            arguments = approval["arguments"]
            edited = {**arguments, "amount_cents": self._ask_amount(arguments["amount_cents"])}
            self._tell(path, "approve", {"comment": "amount edited in the demo", "edited_output": edited})

    def _tell(self, path: str, verb: str, body: dict[str, Any]) -> None:
        try:
            self.api.post(f"{path}/{verb}", body)
        except InterlockError as error:
            if error.kind is not Kind.CONFLICT:
                raise
            self.console.print(f"[yellow]Somebody else was quicker:[/] it is {self.api.get(path)['status']} already.")

    def _ask_amount(self, most: int) -> int:
        while True:
            cents = cents_in(Prompt.ask(f"Amount in dollars (at most {dollars(most)})", console=self.console))
            if cents is not None and 0 < cents <= most:
                return cents
            self.console.print(f"[red]Give an amount between $0.01 and {dollars(most)}, such as 20.00.[/]")


def cents_in(text: str) -> int | None:
    """A typed amount of dollars in cents; None when it is none."""
    try:
        amount = Decimal(text.strip().removeprefix("$")) * 100
    except InvalidOperation:
        return None
    return int(amount) if amount.is_finite() and amount == amount.to_integral_value() else None


def dollars(cents: int) -> str:
    """Cents as people read them."""
    return f"${Decimal(cents) / 100:,.2f}"


def _panel(approval: dict[str, Any]) -> Panel:
    facts = Table.grid(padding=(0, 2))
    arguments = dict(approval["arguments"])
    if "amount_cents" in arguments:
        arguments["amount"] = dollars(arguments.pop("amount_cents"))
    rows = {"wants to call": approval["tool"], **arguments, "held because": approval["reason"]}
    rows |= {"asked by": approval["caller_label"], "waits until": approval["expires_at"]}
    for name, value in rows.items():
        facts.add_row(f"[dim]{name.replace('_', ' ')}[/]", f"[bold]{value}[/]")
    return Panel(facts, title="A person must decide", border_style="yellow", expand=False)
