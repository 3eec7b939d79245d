"""Pages of workflows over HTTP: lists, the editor's checks and saves, texts, versions, runs."""

import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.domains.workflows.support import ENDINGS, chain, node, told
from tests.faces.dashboard.conftest import Person, signed_in
from tests.support.app import Server

NODES = [node("start", "trigger", sample={"who": "Ana"}), node("end", "output", value="Hello {{ trigger.who }}")]
EDGES = chain("start", "end")
N8N = Path(__file__).parents[2] / "domains" / "workflows" / "n8n_files" / "lead_intake.json"


def graph(nodes: list[dict[str, Any]] | None = None, edges: list[dict[str, str]] | None = None) -> str:
    return orjson.dumps(
        {"nodes": NODES if nodes is None else nodes, "edges": EDGES if edges is None else edges}
    ).decode()


async def made(owner: Person, name: str = "Greeting") -> str:
    found = await owner.call("workflows.create", {"name": name, "nodes": NODES, "edges": EDGES})
    return str(found.id)


async def test_the_list_shows_state_last_run_and_todays_cost(owner: Person) -> None:
    empty = await owner.get("/workflows")
    assert "No workflow yet" in empty.text
    workflow = await made(owner)
    run = await owner.call("workflows.run", {"workflow_id": workflow})
    await told(owner.server, str(run.id), ENDINGS)
    page = await owner.get("/workflows")
    assert page.status_code == 200
    assert all(words in page.text for words in ("Greeting", "draft", f"/runs/{run.id}", "completed", "$0.00"))
    part = await owner.get("/workflows/_list?status=published", htmx=True)
    assert "Greeting" not in part.text
    assert "<html" not in part.text


async def test_a_new_workflow_opens_in_the_editor(owner: Person) -> None:
    reply = await owner.post("/workflows/new", {"name": "Triage", "description": ""})
    assert reply.status_code == 303
    page = await owner.get(reply.headers["location"])
    assert all(words in page.text for words in ("Triage", "Show me an example", "workflows/editor.js"))
    wrong = await owner.post("/workflows/new", {"name": " "})
    assert wrong.status_code == 422
    assert 'aria-invalid="true"' in wrong.text


async def test_every_template_is_offered_with_what_it_needs(owner: Person) -> None:
    page = await owner.get("/workflows/templates")
    assert "Ticket triage with a reviewed reply" in page.text
    assert "a model, somebody who approves" in page.text
    assert "Invoice check" not in (await owner.get("/workflows/templates?category=sales")).text
    reply = await owner.post("/workflows/templates/tpl_ticket_triage/use")
    assert reply.status_code == 303
    assert "Draft a reply" in (await owner.get(reply.headers["location"])).text
    assert (await owner.post("/workflows/templates/tpl_none/use")).status_code == 404


async def test_a_graph_is_checked_while_it_is_drawn(owner: Person) -> None:
    reply = await owner.post(
        "/workflows/check", {"graph": graph([node("start", "trigger"), node("if", "condition")], [])}
    )
    assert reply.status_code == 200
    assert [problem["node"] for problem in reply.json()["problems"]] == ["if"]
    assert reply.json()["branches"] == {"start": []}
    for broken, status in (("{", 400), ("[]", 422), ('{"nodes": [{"id": "1"}]}', 422)):
        reply = await owner.post("/workflows/check", {"graph": broken})
        assert reply.status_code == status
        assert reply.json()["message"]


async def test_saving_makes_a_version_and_never_overwrites_another_ones(owner: Person) -> None:
    workflow = await made(owner)
    path = f"/workflows/{workflow}/save"
    changed = graph([*NODES, node("more", "transform", expression="1")])
    assert (await owner.post(path, {"graph": changed, "expected_version": "1"})).json() == {"version": 2}
    late = await owner.post(path, {"graph": graph(), "expected_version": "1"})
    assert late.status_code == 409
    assert late.json()["code"] == "version_conflict"
    unfit = await owner.post(path, {"graph": graph([node("if", "condition")], [])})
    assert unfit.status_code == 422
    assert unfit.json()["problems"][0]["node"] == "if"
    assert (await owner.post(path, {"graph": graph()}, csrf="x")).status_code == 403


async def test_versions_come_back(owner: Person) -> None:
    workflow = await made(owner)
    await owner.call("workflows.update", {"workflow_id": workflow, "nodes": [node("other", "trigger")], "edges": []})
    page = await owner.get(f"/workflows/{workflow}/versions")
    assert page.text.count("Bring back") == 1
    reply = await owner.post(f"/workflows/{workflow}/versions/1/restore")
    assert reply.status_code == 303
    found = await owner.call("workflows.get", {"workflow_id": workflow})
    assert (found.version, [one.id for one in found.nodes]) == (3, ["start", "end"])
    assert (await owner.post(f"/workflows/{workflow}/versions/9/restore")).status_code == 404


async def test_it_is_published_renamed_and_deleted(owner: Person) -> None:
    workflow = await made(owner)
    await owner.post(f"/workflows/{workflow}/status", {"status": "published"})
    assert "Take back to draft" in (await owner.get(f"/workflows/{workflow}")).text
    fields = {"name": "Renamed", "description": "", "per_run_cap": "0.5", "daily_cap": ""}
    await owner.post(f"/workflows/{workflow}/settings", fields)
    found = await owner.call("workflows.get", {"workflow_id": workflow})
    assert (found.name, str(found.per_run_cap), found.daily_cap) == ("Renamed", "0.500000000", None)
    wrong = await owner.post(f"/workflows/{workflow}/settings", {**fields, "per_run_cap": "-1"})
    assert wrong.status_code == 422
    assert (await owner.post(f"/workflows/{workflow}/delete")).headers["location"] == "/workflows"
    assert (await owner.get(f"/workflows/{workflow}")).status_code == 404


@pytest.mark.parametrize("form", ["yaml", "json"])
async def test_the_text_is_shown_changed_and_downloaded(owner: Person, form: str) -> None:
    workflow = await made(owner)
    path = f"/workflows/{workflow}/document"
    assert "interlock" in (await owner.get(f"{path}?format={form}")).text
    file = await owner.get(f"{path}/file?format={form}")
    assert file.headers["content-disposition"] == f'attachment; filename="greeting.{form}"'
    changed = file.text.replace("Hello", "Good day")
    reply = await owner.post(path, {"text": changed, "expected_version": "1"})
    assert reply.status_code == 303, reply.text
    assert "Good day" in (await owner.get(path)).text
    late = await owner.post(path, {"text": file.text, "expected_version": "1"})
    assert late.status_code == 422
    assert "version 2 now" in late.text


async def test_a_text_that_is_wrong_is_told_by_line_and_kept(owner: Person) -> None:
    workflow = await made(owner)
    text = "name: x\nnodes:\n  - id: a\n    kind: condition\n    config: {when: '1 +'}\n"
    reply = await owner.post(f"/workflows/{workflow}/document", {"text": text, "expected_version": "1"})
    assert reply.status_code == 422
    assert "Line 5: " in reply.text
    assert "kind: condition" in reply.text


async def test_files_are_imported_with_a_report(owner: Person) -> None:
    n8n = await owner.post("/workflows/import", {"text": N8N.read_text(), "import_name": "Leads"})
    assert n8n.status_code == 200
    assert "What became of it" in n8n.text
    assert re.search(r'href="/workflows/wf_\w+">Open it', n8n.text)
    ours = await owner.post("/workflows/import", {"text": "name: mine\nnodes: [{id: a, kind: trigger}]"})
    assert ours.status_code == 303
    wrong = await owner.post("/workflows/import", {"text": "name: mine\nnodes: [{id: a, kind: nothing}]"})
    assert wrong.status_code == 422
    assert "Line 2: " in wrong.text
    broken = await owner.post("/workflows/import", {"text": "a: [1"})
    assert broken.status_code == 422
    assert "Line 2: " in broken.text


async def test_a_run_is_started_watched_and_decided_beside_the_graph(owner: Person) -> None:
    nodes = [node("start", "trigger"), node("ask", "gate"), node("end", "output")]
    found = await owner.call(
        "workflows.create", {"name": "Gate", "nodes": nodes, "edges": chain("start", "ask:approved", "end")}
    )
    workflow = str(found.id)
    started = await owner.post(f"/workflows/{workflow}/run", {"input_data": '{"amount": 5}'}, htmx=True)
    run = re.search(r'data-run="(run_\w+)"', started.text)
    assert run is not None
    await told(owner.server, run[1], {"node.held"})
    path = f"/workflows/{workflow}/runs/{run[1]}"
    held = await owner.get(path, htmx=True)
    assert 'data-node="ask" data-node-state="held"' in held.text
    gate = re.search(r'name="approval_id" value="(\w+)"', held.text)
    assert gate is not None
    assert (
        await owner.post(f"{path}/decide", {"approval_id": gate[1], "verdict": "maybe"}, htmx=True)
    ).status_code == 422
    await owner.post(f"{path}/decide", {"approval_id": gate[1], "verdict": "approve"}, htmx=True)
    await told(owner.server, run[1], ENDINGS)
    assert 'data-node="end" data-node-state="done"' in (await owner.get(path, htmx=True)).text
    assert "&#34;amount&#34;: 5" in (await owner.get(f"{path}/nodes/end", htmx=True)).text
    assert run[1] in (await owner.get(f"/workflows/{workflow}?run={run[1]}")).text
    wrong = await owner.post(f"/workflows/{workflow}/run", {"input_data": "[1]"}, htmx=True)
    assert wrong.status_code == 422


async def test_what_a_run_begins_with_is_the_triggers_example(owner: Person) -> None:
    assert "&#34;who&#34;: &#34;Ana&#34;" in (await owner.get(f"/workflows/{await made(owner)}")).text


async def test_another_workspace_sees_nothing_of_it(server: Server, owner: Person) -> None:
    workflow = await made(owner)
    stranger = await signed_in(server, email="s@example.com", key=await server.another_workspace())
    for path in ("", "/document", "/document/file", "/versions", "/settings"):
        assert (await stranger.get(f"/workflows/{workflow}{path}")).status_code == 404
    for path in ("save", "status", "delete", "run", "document", "settings", "versions/1/restore"):
        fields = {"graph": graph(), "status": "published", "text": "name: x", "name": "x"}
        assert (await stranger.post(f"/workflows/{workflow}/{path}", fields)).status_code == 404, path
