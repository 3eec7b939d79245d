"""The support desk over HTTP: set up, fed, decided and written down; every part can be repeated after a crash."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from interlock.faces.cli.demo.client import Api
from interlock.faces.cli.demo.triage.material import Letter, Material
from interlock.kit.errors import InterlockError, Kind

NAME = "Support triage"
TEMPLATE = "tpl_support_triage"
MODEL = "local:smollm2-135m-instruct"
TAG = "support-triage"
COLUMNS = ("Mail", "From", "Subject", "Topic", "Decision", "Reply", "Run")
MOST_KNOWN = 2
_PAGE = 200
_ENDED = frozenset({"completed", "failed", "cancelled", "budget_exceeded"})
Decide = Callable[[dict[str, Any]], bool]


@dataclass(frozen=True, slots=True)
class Desk:
    """Where mails go: a workflow and the table of what became of them."""

    api: Api
    workflow_id: str
    table_id: str


def set_up(api: Api, material: Material, model: str) -> Desk:
    """Memories, table and workflow, each made where it is not there yet."""
    known = {row["content"] for row in api.get("/api/v1/memory", limit=_PAGE)}
    for fact in material.facts:
        if fact not in known:
            api.post("/api/v1/memory", {"content": fact, "type": "business", "tags": [TAG]})
    columns = [{"name": name, "type": "text"} for name in COLUMNS]
    table = _of_name(api.get("/api/v1/tables", limit=_PAGE)) or api.post(
        "/api/v1/tables", {"name": NAME, "columns": columns}
    )
    workflow = _of_name(api.get("/api/v1/workflows", limit=_PAGE))
    if workflow is not None:
        return Desk(api, workflow["id"], table["id"])
    overrides = {"nodes": {"draft": {"config": {"model": model}}}}
    made = api.post(f"/api/v1/templates/{TEMPLATE}/instantiate", {"name": NAME, "overrides": overrides})
    return Desk(api, made["workflow_id"], table["id"])


def start(desk: Desk, letters: Sequence[Letter]) -> dict[str, str]:
    """One run for each mail, by the mail's id; a run that a mail has already is taken over.

    A mail whose run failed or was stopped before gets a new one.
    """
    started = {
        mail: run["run_id"] for run in reversed(runs_of(desk)) if (mail := _mail_of(run)) and run["status"] not in _LOST
    }
    for letter in letters:
        if letter.id not in started:
            found = desk.api.post(
                "/api/v1/memory/search", {"query": f"{letter.subject}\n{letter.text}", "top_k": MOST_KNOWN}
            )
            data = {
                "id": letter.id,
                "from": letter.name,
                "address": letter.address,
                "subject": letter.subject,
                "text": letter.text,
                "known": [result["content"] for result in found["results"]],
            }
            path = f"/api/v1/workflows/{desk.workflow_id}/run"
            started[letter.id] = desk.api.post(path, {"input_data": data})["run_id"]
    return {letter.id: started[letter.id] for letter in letters}


_LOST = _ENDED - {"completed"}


def runs_of(desk: Desk) -> list[dict[str, Any]]:
    """Every run of the workflow in full, newest first."""
    rows = desk.api.get("/api/v1/runs", workflow_id=desk.workflow_id, limit=_PAGE)
    return [desk.api.get(f"/api/v1/runs/{row['run_id']}") for row in rows]


def decided(desk: Desk, run_id: str, decide: Decide) -> dict[str, Any]:
    """A run's detail at its end; its gate is decided on the way, once."""
    for event in desk.api.events(run_id):
        if event.type == "node.held":
            for approval in desk.api.get("/api/v1/approvals", run_id=run_id, status="pending"):
                _tell(desk.api, approval, agreed=decide(approval))
    detail: dict[str, Any] = desk.api.get(f"/api/v1/runs/{run_id}")
    return detail


def write_down(desk: Desk, letter: Letter, run: dict[str, Any]) -> None:
    """A row for the mail, unless it has one."""
    if letter.id in {row["data"]["Mail"] for row in rows_of(desk)}:
        return
    output = run["output"] or {}
    data = {
        "Mail": letter.id,
        "From": letter.address,
        "Subject": letter.subject,
        "Topic": output.get("topic", ""),
        "Decision": output.get("decision", run["status"]),
        "Reply": output.get("reply", ""),
        "Run": run["run_id"],
    }
    desk.api.post(f"/api/v1/tables/{desk.table_id}/rows", {"data": data})


def rows_of(desk: Desk) -> list[dict[str, Any]]:
    """The rows of the table."""
    page: dict[str, Any] = desk.api.get(f"/api/v1/tables/{desk.table_id}/rows", limit=_PAGE)
    rows: list[dict[str, Any]] = page["rows"]
    return rows


def _of_name(rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    return next((row for row in rows if row["name"] == NAME), None)


def _mail_of(run: dict[str, Any]) -> str | None:
    mail: str | None = run["input"].get("id")
    return mail


def _tell(api: Api, approval: dict[str, Any], *, agreed: bool) -> None:
    path = f"/api/v1/approvals/{approval['id']}/{'approve' if agreed else 'reject'}"
    try:
        api.post(path, {"comment": "decided in the demo"})
    except InterlockError as error:
        if error.kind is not Kind.CONFLICT:  # somebody else was quicker
            raise
