"""A run's events as lines of a table: what was done, what was decided, how long it took, what it cost."""

from dataclasses import dataclass, field
from typing import Any

from rich.console import Group, RenderableType
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from interlock.faces.cli.demo.client import RunEvent

_COLOURS = {
    "authorized": "green",
    "escalated": "yellow",
    "denied": "red",
    "failed": "red",
    "waiting_approval": "yellow",
}
_TOLD = {
    "crm.create_contact": "look up or create the contact",
    "payments.create_refund": "refund the charge",
    "comms.send_email": "answer the customer",
    "comms.send_slack_message": "tell the team channel",
}


@dataclass
class Timeline:
    """The steps of a run so far, by position; a held call is replaced by what became of it."""

    steps: dict[int, dict[str, Any]] = field(default_factory=dict)
    doing: str = "starting"

    def take(self, event: RunEvent) -> None:
        """Take one event in."""
        match event.type:
            case "model.requested":
                self.doing = "the agent thinks (drafting a text can take a while)"
            case "tool.held":
                self.doing = "waiting for a person"
            case "run.resumed":
                self.doing = "carrying out what was decided"
            case _ if event.type.startswith("run."):
                self.doing = ""
        if "position" in event.data:
            before = self.steps.get(event.data["position"], {})
            held = before.get("status") == "waiting_approval"
            self.steps[event.data["position"]] = {**event.data, "was_held": held or before.get("was_held", False)}

    def tool_calls(self) -> list[dict[str, Any]]:
        """The tool calls, in order."""
        return [step for _, step in sorted(self.steps.items()) if step["kind"] == "tool"]

    def live(self) -> RenderableType:
        """The table with what is going on below it."""
        below = Spinner("dots", Text(self.doing, style="cyan")) if self.doing else Text("")
        return Group(self.table(), below)

    def table(self) -> Table:
        """The table."""
        shown = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
        shown.add_column("Step")
        shown.add_column("What for", style="dim")
        shown.add_column("Decision")
        shown.add_column("Latency", justify="right")
        shown.add_column("Cost", justify="right")
        for _, step in sorted(self.steps.items()):
            shown.add_row(*_row(step))
        return shown


def _row(step: dict[str, Any]) -> tuple[Text, Text, Text, Text, Text]:
    cost = Text("unknown", style="yellow") if step["cost"] is None else Text(f"${step['cost']:.4f}")
    latency = Text(f"{step['latency_ms']} ms")
    if step["kind"] == "model":
        how = "scripted, no model" if step.get("scripted") else str(step.get("provider", ""))
        return Text("model", style="bold"), Text(f"{step['name']} ({how})"), Text("-", style="dim"), latency, cost
    return Text(step["name"], style="bold"), Text(_TOLD.get(step["name"], "")), _decision(step), latency, cost


def _decision(step: dict[str, Any]) -> Text:
    status, decision = step["status"], step.get("decision", "")
    if status == "waiting_approval":
        return Text("held for a person", style="yellow")
    if status == "failed":
        return Text(f"failed: {step.get('reason', '')}"[:60], style="red")
    told = f"{decision} (by a person)" if step["was_held"] else decision
    return Text(told, style=_COLOURS.get(decision, ""))
