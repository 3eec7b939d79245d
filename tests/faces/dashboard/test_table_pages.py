"""Tables in the dashboard: a builder, a grid whose address says everything, cells, rows, files, triggers."""

import re

import pytest

from tests.faces.dashboard.conftest import Person, signed_in
from tests.faces.dashboard.test_document_pages import send, settled
from tests.support.app import Server

COLUMNS = [
    {"name": "Name", "type": "text", "required": True},
    {"name": "Amount", "type": "number"},
    {"name": "State", "type": "select", "options": ["open", "paid"]},
    {"name": "Twice", "type": "computed", "formula": "{{Amount}} * 2"},
]


@pytest.fixture
async def table(owner: Person) -> str:
    made = await owner.call("tables.create", {"name": "Invoices", "columns": COLUMNS})
    for number in range(3):
        data = {"Name": f"Customer {number}", "Amount": number, "State": "paid" if number == 1 else "open"}
        await owner.call("tables.append", {"table_id": made.id, "data": data})
    return f"/tables/{made.id}"


def names(page: str) -> list[str]:
    return re.findall(r">(Customer \d)</td>", page)


async def test_a_table_is_built_column_by_column(owner: Person) -> None:
    assert "No table yet" in (await owner.get("/tables")).text
    sent = {"name": "Leads", "column_name": ["Name", "Twice"], "column_type": ["text", "text"],
            "column_options": ["", ""], "column_formula": ["", "{{Name}}"], "column_table_id": ["", ""],
            "column_required": ["true", ""]}  # fmt: skip
    draft = await owner.post("/tables/_draft", {**sent, "do": "add"})
    assert draft.text.count("<fieldset") == 3
    part = await owner.post("/tables/_draft", {**sent, "do": "up-1"}, htmx=True)
    assert part.text.index('value="Twice"') < part.text.index('value="Name"')
    assert "<h1>" not in part.text
    refused = await owner.post("/tables/new", {**sent, "column_type": ["text", "select"]})
    assert refused.status_code == 422
    assert "needs" in refused.text
    made = await owner.post("/tables/new", {**sent, "column_type": ["text", "computed"]})
    assert made.status_code == 303
    page = (await owner.get(made.headers["location"])).text
    assert "No row yet" in page


async def test_the_address_filters_searches_sorts_and_pages(owner: Person, table: str) -> None:
    assert names((await owner.get(table)).text) == ["Customer 0", "Customer 1", "Customer 2"]
    assert names((await owner.get(f"{table}?sort=-Amount")).text) == ["Customer 2", "Customer 1", "Customer 0"]
    assert names((await owner.get(f"{table}?search=customer+1")).text) == ["Customer 1"]
    onward = await owner.get(f"{table}/narrow?column=State&operator=in&value=open,+none&sort=-Amount")
    assert onward.status_code == 303
    narrowed = (await owner.get(onward.headers["location"])).text
    assert names(narrowed) == ["Customer 2", "Customer 0"]
    assert "2 rows" in narrowed
    wrong = (await owner.get(f"{table}/narrow?column=Amount&operator=gt&value=many")).headers["location"]
    page = await owner.get(wrong)
    assert page.status_code == 200
    assert "All rows are shown" in page.text
    assert names((await owner.get(f"{table}/_grid?offset=0", htmx=True)).text)


async def test_a_cell_is_changed_in_place_or_the_reason_comes_back(owner: Person, table: str) -> None:
    page = (await owner.get(table)).text
    row = re.findall(r'data-row="(row_\w+)"', page)[1]
    reply = await owner.post(f"{table}/rows/{row}/cell", {"column": "c2", "value": "21"}, htmx=True)
    assert reply.status_code == 200
    assert ">42</td>" in reply.text
    refused = await owner.post(f"{table}/rows/{row}/cell", {"column": "c2", "value": "many"}, htmx=True)
    assert refused.status_code == 422
    assert "a number" in refused.text
    emptied = await owner.post(f"{table}/rows/{row}/cell", {"column": "c2", "value": ""}, htmx=True)
    assert 'id="c-' + row + '-c2" tabindex="-1" data-key="c2" class="number"></td>' in emptied.text


async def test_a_row_is_added_changed_brought_back_and_deleted(owner: Person, table: str) -> None:
    refused = await owner.post(f"{table}/rows/new", {"c1": "", "c2": "x", "c3": "open"})
    assert refused.status_code == 422
    assert 'aria-invalid="true"' in refused.text
    made = await owner.post(f"{table}/rows/new", {"c1": "Ada", "c2": "3", "c3": "open"})
    where = made.headers["location"]
    assert (await owner.post(where, {"c1": "Ada L.", "c2": "4", "c3": ""})).status_code == 303
    page = (await owner.get(where)).text
    version = re.search(r'name="version_id" value="(\w+)"', page)
    assert version is not None
    assert (await owner.post(f"{where}/delete")).status_code == 303
    assert "Deleted row" in (await owner.get(where)).text
    assert (await owner.post(f"{where}/back", {"version_id": version[1]})).status_code == 303
    back = (await owner.get(where)).text
    assert "Ada</textarea>" in back.replace("\n", "")


async def test_columns_are_added_changed_and_removed(owner: Person, table: str) -> None:
    fresh = {"column_type": "number", "column_options": "", "column_formula": "", "column_table_id": ""}
    added = await owner.post(f"{table}/columns/add", {**fresh, "column_name": "Paid", "column_required": ""})
    assert added.status_code == 303
    refused = await owner.post(
        f"{table}/columns/change", {**fresh, "column": "Name", "column_name": "Name", "column_required": ""}
    )
    assert refused.status_code == 422
    assert "do not fit" in refused.text
    assert (await owner.post(f"{table}/columns/remove", {"column": "Paid"})).status_code == 303
    assert (await owner.post(f"{table}/rename", {"name": "Bills"})).status_code == 303
    page = (await owner.get(f"{table}/columns")).text
    assert "<h1>Bills</h1>" in page
    assert "Paid</b>" not in page


async def test_files_go_in_with_their_problems_and_out(owner: Person, table: str) -> None:
    begun = await send(owner, f"{table}/import", ("more.csv", b"Name,Amount\nEve,4\nMallory,many\n"))
    where = begun.headers["location"]
    page = await settled(owner, where, "completed")
    assert "1 rows kept, 1 refused" in page
    assert "takes a number" in page
    assert "more.csv" in (await owner.get(f"{table}/import")).text
    exported = await owner.get(f"{table}/export?format=json")
    assert [row["Name"] for row in exported.json()][-1] == "Eve"
    assert (await owner.get(f"{table}/export?format=pdf")).status_code == 422
    refused = await send(owner, "/tables/import", ("image.png", b"\x89PNG"))
    assert refused.status_code == 422
    assert "neither CSV nor XLSX" in refused.text


async def test_a_trigger_is_added_switched_off_and_deleted(owner: Person, table: str) -> None:
    assert "no workflow to start yet" in (await owner.get(f"{table}/triggers")).text
    nodes = [{"id": "start", "kind": "trigger"}, {"id": "end", "kind": "output", "config": {"value": "{{ input }}"}}]
    edges = [{"source": "start", "target": "end"}]
    made = await owner.call("workflows.create", {"name": "Follow up", "nodes": nodes, "edges": edges})
    fields = {"event": "row_created", "workflow_id": str(made.id), "column": "State", "operator": "eq", "value": "open"}
    assert (await owner.post(f"{table}/triggers", {**fields, "column": "Nothing"})).status_code == 422
    assert (await owner.post(f"{table}/triggers", fields)).status_code == 303
    page = (await owner.get(f"{table}/triggers")).text
    assert "Follow up" in page
    trigger = re.search(r"/triggers/(trg_\w+)/switch", page)
    assert trigger is not None
    await owner.post(f"{table}/triggers/{trigger[1]}/switch", {"enabled": "false"})
    assert "Switch on" in (await owner.get(f"{table}/triggers")).text
    await owner.post(f"{table}/triggers/{trigger[1]}/delete")
    assert trigger[1] not in (await owner.get(f"{table}/triggers")).text


async def test_a_table_of_another_workspace_is_not_there(server: Server, owner: Person, table: str) -> None:
    stranger = await signed_in(server, email="stranger@example.com", key=(await server.another_workspace()))
    for path in ("", "/columns", "/import", "/triggers", "/rows/new", "/export"):
        assert (await stranger.get(f"{table}{path}")).status_code == 404, path
    assert (await stranger.post(f"{table}/delete")).status_code == 404
    assert (await owner.post(f"{table}/delete")).headers["location"] == "/tables"
