"""Tables as a client uses them."""

from tests.contracts.drives import Recorder

PREFIXES = {"/api/v1/tables/{id}": "tbl", "/api/v1/tables/{id}/rows": "tbl"}
COLUMNS = [
    {"name": "Name", "type": "text"},
    {"name": "Amount", "type": "number"},
    {"name": "Status", "type": "select", "options": ["open", "paid"]},
]


async def drive(recorder: Recorder) -> None:
    """Make a table, fill it, read a page, drop it."""
    call = recorder.call
    table = await call("POST /api/v1/tables", {"name": "Invoices", "columns": COLUMNS})
    assert (table["columns"], table["row_count"]) == (["Name", "Amount", "Status"], 0)
    data = {"Name": "Ada", "Amount": 12.5, "Status": "open"}
    row = await call("POST /api/v1/tables/{id}/rows", {"data": data}, id=table["id"])
    assert (row["data"], row["table_id"]) == (data, table["id"])
    page = await call("GET /api/v1/tables/{id}/rows", id=table["id"])
    assert page == {"rows": [{"id": row["id"], "data": data}], "total": 1, "limit": 50, "offset": 0}
    assert [each["row_count"] for each in await call("GET /api/v1/tables")] == [1]
    assert await call("DELETE /api/v1/tables/{id}", id=table["id"]) == {"deleted": True}
