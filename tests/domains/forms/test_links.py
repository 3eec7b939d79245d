"""What a submission leads to when everything is there: a row of the table, a run of the workflow."""

from typing import Any

from tests.domains.workflows.support import ended, node
from tests.support.app import Server

FIELDS = [{"name": "email", "type": "email", "required": True}, {"name": "note", "type": "text"}]
COLUMNS = [
    {"name": "email", "type": "text"},
    {"name": "shout", "type": "computed", "formula": "upper({{email}})"},
]


async def _form(server: Server, **links: Any) -> dict[str, Any]:
    answer = await server.post("/api/v1/forms", {"name": "Contact", "slug": "contact", "fields": FIELDS, **links})
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_answers_become_a_row_and_the_input_of_a_run(server: Server) -> None:
    table = (await server.post("/api/v1/tables", {"name": "Contacts", "columns": COLUMNS})).json()
    flow = (await server.post("/api/v1/workflows", {"name": "x", "nodes": [node("end", "output")]})).json()
    await server.patch(f"/api/v1/workflows/{flow['id']}", {"status": "published"})
    form = await _form(server, linked_table=table["id"], trigger_workflow=flow["id"])
    data = {"email": "ada@example.com", "note": "Hello."}
    sent = (await server.http.post(f"/api/v1/forms/{form['id']}/submit", json={"data": data})).json()
    assert sent["status"] == "received"
    rows = (await server.get(f"/api/v1/tables/{table['id']}/rows")).json()["rows"]
    assert [row["data"] for row in rows] == [{"email": "ada@example.com", "shout": "ADA@EXAMPLE.COM"}]
    assert (await ended(server, sent["workflow_run_id"]))["output"] == data


async def test_a_dropped_table_loses_no_submission(server: Server) -> None:
    table = (await server.post("/api/v1/tables", {"name": "Contacts", "columns": COLUMNS})).json()
    form = await _form(server, linked_table=table["id"])
    await server.delete(f"/api/v1/tables/{table['id']}")
    data = {"email": "ada@example.com"}
    sent = (await server.http.post(f"/api/v1/forms/{form['id']}/submit", json={"data": data})).json()
    assert (sent["status"], sent["workflow_run_id"]) == ("received", None)
    (kept,) = (await server.get(f"/api/v1/forms/{form['id']}/submissions")).json()
    assert kept["data"] == data
    assert kept["row_error"]


async def test_only_ones_own_table_can_be_linked(server: Server) -> None:
    stranger = await server.another_workspace()
    table = (await server.post("/api/v1/tables", {"name": "Theirs", "columns": COLUMNS}, key=stranger)).json()
    answer = await server.post(
        "/api/v1/forms", {"name": "x", "slug": "x", "fields": FIELDS, "linked_table": table["id"]}
    )
    assert (answer.status_code, answer.json()["error"]["details"]["field"]) == (422, "linked_table")
