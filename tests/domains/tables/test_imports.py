"""Files into tables and out of them."""

import asyncio
import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from interlock.domains.tables import importing
from interlock.domains.tables import service as tables
from interlock.domains.tables.importing import ImportJob, file_of, run_import
from interlock.domains.tables.repository import Imports
from interlock.domains.tables.sheets.csv_files import open_csv
from interlock.domains.tables.sheets.source import UnusableFileError
from interlock.domains.tables.sheets.xlsx_files import open_xlsx
from interlock.domains.tables.views import Import, Table
from tests.domains.tables.test_tables import added, call, listed, made
from tests.support.app import Server

ENDINGS = {"import.completed", "import.failed"}
COLUMNS: list[dict[str, Any]] = [
    {"name": "Name", "type": "text", "required": True},
    {"name": "Amount", "type": "number"},
    {"name": "Paid", "type": "boolean"},
]


async def sent(server: Server, path: str, filename: str, content: bytes, **fields: str) -> Any:
    """Upload a file; the reply."""
    form = {"file": (filename, content)}
    return await server.http.post(path, files=form, data=fields, headers={"x-api-key": server.key})


async def ended(server: Server, reply: dict[str, Any]) -> Import:
    """Wait for an import's last event."""
    ctx = await server.ctx()
    async with asyncio.timeout(30):
        async for event in server.runtime.streams.follow(ctx, f"import:{reply['id']}", 0):
            if event is not None and event.type in ENDINGS:
                break
    where = {"table_id": reply["table_id"], "import_id": reply["id"]}
    found: Import = await call(server, tables.get_import, **where)
    return found


async def imported(server: Server, table: Table, content: bytes, filename: str = "in.csv") -> Import:
    answer = await sent(server, f"/api/v1/tables/{table.id}/import", filename, content)
    assert answer.status_code == 200, answer.text
    return await ended(server, answer.json())


def book(*rows: list[Any]) -> bytes:
    """An XLSX file."""
    workbook = Workbook()
    for row in rows:
        workbook.active.append(row)  # type: ignore[union-attr]
    buffer = io.BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()


async def test_a_new_table_gets_the_types_of_its_file(server: Server) -> None:
    content = (
        "Mail;Site;Paid;Day;Price;Kind;Note\r\n"
        "a@example.com;https://a.example;yes;31.12.2025;$1,200.50;x;hello\r\n"
        'b@example.com;http://b.example/x;no;1/31/2026;3;y;"semi;colon\nand line"\r\n'
        "c@example.com;;1;2026-01-01;12%;x;=1+1\r\n"
        "d@example.com;;0;;;x;-\r\n"
        "e@example.com;;true;;;y;z\r\n"
    ).encode("utf-8-sig")
    answer = await sent(server, "/api/v1/tables/import", "Küche.csv", content, name="Guests")
    assert answer.status_code == 200, answer.text
    found = await ended(server, answer.json())
    assert (found.status, found.total, found.done, found.imported, found.failed) == ("completed", 5, 5, 5, 0)
    table = await call(server, tables.get, table_id=found.table_id)
    kinds = {column.name: column.type.value for column in table.columns}
    assert table.name == "Guests"
    assert kinds == {
        "Mail": "email", "Site": "url", "Paid": "boolean", "Day": "date", "Price": "number", "Kind": "select",
        "Note": "text",
    }  # fmt: skip
    rows = [row.data for row in (await listed(server, table)).rows]
    assert [row["Price"] for row in rows] == [1200.5, 3, 0.12, None, None]
    assert [row["Day"] for row in rows[:3]] == ["2025-12-31", "2026-01-31", "2026-01-01"]
    assert rows[1]["Note"] == "semi;colon\nand line"
    assert [row["Paid"] for row in rows] == [True, False, True, False, True]


async def test_each_broken_row_is_named_and_the_others_are_kept(server: Server) -> None:
    table = await made(server, COLUMNS)
    content = (
        b"name,AMOUNT,Paid,New\nAda,1,yes,a\n,2,no,b\nBob,many,maybe,c\nEve,3,no,d,e,f\n\nJo\xff,4,no,g\nZoe,5,no\n"
    )
    found = await imported(server, table, content)
    assert (found.total, found.done, found.imported, found.failed) == (6, 6, 2, 4)
    problems = await call(server, tables.import_problems, table_id=table.id, import_id=found.id)
    assert [(problem.line, problem.column) for problem in problems] == [
        (3, "Name"), (4, "Amount"), (4, "Paid"), (5, None), (7, None),
    ]  # fmt: skip
    assert "takes a number, not 'many'" in problems[1].problem
    page = await listed(server, table)
    assert [row.data["Name"] for row in page.rows] == ["Ada", "Zoe"]
    assert (page.total, page.rows[0].data["New"]) == (2, "a")


async def test_the_first_thousand_problems_are_kept(server: Server) -> None:
    table = await made(server, COLUMNS)
    found = await imported(server, table, b"Name,Amount\n" + b"x,y\n" * 1_700)
    assert (found.failed, found.imported) == (1_700, 0)
    last = await call(server, tables.import_problems, table_id=table.id, import_id=found.id, limit=200, offset=900)
    assert len(last) == 100


async def test_a_workbook_is_read_as_values(server: Server) -> None:
    table = await made(server, COLUMNS)
    found = await imported(
        server, table, book(["Name", "Amount", "Paid"], ["Ada", 1.5, True], [7, None, "no"]), "a.xlsx"
    )
    assert (found.imported, found.failed) == (2, 0)
    rows = [row.data for row in (await listed(server, table)).rows]
    assert rows == [{"Name": "Ada", "Amount": 1.5, "Paid": True}, {"Name": "7", "Amount": None, "Paid": False}]


@pytest.mark.parametrize(
    ("filename", "content", "words"),
    [
        ("a.pdf", b"x", "neither CSV nor XLSX"),
        ("a.xlsm", b"x", "macros"),
        ("a.xlsx", b"no archive", "no XLSX file"),
        ("a.csv", b"", "empty"),
        ("a.csv", b"\n", "first row is empty"),
        ("a.csv", b"A,a\n1,2", "is there twice"),
        ("a.csv", b"A,,B\n1,2,3", "Column 2 has no name"),
        ("a.csv", b"PK\x03\x04", "not CSV"),
        ("a.csv", b"x" * 1_100_000, "longer than"),
    ],
)
async def test_a_file_that_cannot_be_used_is_refused_at_once(
    server: Server, filename: str, content: bytes, words: str
) -> None:
    answer = await sent(server, "/api/v1/tables/import", filename, content)
    assert answer.status_code == 422, answer.text
    assert words in answer.text
    assert list((server.runtime.settings.data_dir / "imports").iterdir()) == []
    assert (await call(server, tables.list_)).items == ()


async def test_an_import_goes_on_where_a_restart_left_it(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    table = await made(server, COLUMNS)
    ctx = await server.ctx()
    path = server.runtime.settings.data_dir / "upload.csv"
    path.write_bytes(b"Name,Amount\n" + b"".join(b"row %d,%d\n" % (n, n) for n in range(1_200)))

    async def crash(*_arguments: Any) -> None:
        raise RuntimeError("the lights went out")

    async with ctx.begin() as unit:
        command = tables.ImportFile(table_id=table.id, file=path, filename="a.csv")
        enqueue = unit.runtime.jobs.enqueue
        monkeypatch.setattr(unit.runtime.jobs, "enqueue", lambda *_arguments: asyncio.sleep(0))
        found = await tables.import_file(unit, command)
        monkeypatch.setattr(unit.runtime.jobs, "enqueue", enqueue)
    job = ImportJob(import_id=found.id)
    written = importing._chunk
    chunks = 0

    async def once(*arguments: Any) -> Any:
        nonlocal chunks
        chunks += 1
        return await (written(*arguments) if chunks == 1 else crash())

    monkeypatch.setattr(importing, "_chunk", once)
    with pytest.raises(RuntimeError):
        await run_import(ctx, job)
    assert (await listed(server, table)).total == 500
    monkeypatch.setattr(importing, "_chunk", written)
    await run_import(ctx, job)
    await run_import(ctx, job)
    page = await listed(server, table, limit=1000, offset=200)
    assert (page.total, len(page.rows)) == (1_200, 1_000)
    assert [row.data["Amount"] for row in page.rows] == list(range(200, 1_200))
    assert not file_of(ctx, found.id).exists()
    async with ctx.begin(write=False) as unit:
        assert (await Imports(unit).get(found.id)).status == "completed"


async def test_an_import_of_a_dropped_table_ends_quietly(server: Server) -> None:
    answer = await sent(server, "/api/v1/tables/import", "a.csv", b"A\n1\n")
    found = await ended(server, answer.json())
    await call(server, tables.delete, table_id=found.table_id)
    await run_import(await server.ctx(), ImportJob(import_id=found.id))
    assert (await call(server, tables.list_)).items == ()


async def test_exported_csv_is_safe_for_spreadsheets_and_comes_back(server: Server) -> None:
    columns = [*COLUMNS, {"name": "Share", "type": "computed", "formula": "{{Amount}} / sum({{Amount}})"}]
    table = await made(server, columns)
    await added(server, table, Name='=HYPERLINK("x")', Amount=-1)
    await added(server, table, Name='line\n"quote", comma', Amount=3, Paid=True)
    answer = await server.get(f"/api/v1/tables/{table.id}/export")
    assert answer.headers["content-disposition"] == 'attachment; filename="Invoices.csv"'
    assert answer.text.replace("\r\n", "\n") == (
        'Name,Amount,Paid,Share\n"\'=HYPERLINK(""x"")",-1,,-0.5\n"line\n""quote"", comma",3,true,1.5\n'
    )
    again = await made(server, COLUMNS)
    found = await imported(server, again, answer.content)
    assert (found.imported, found.failed) == (2, 0)
    assert (await listed(server, again)).rows[1].data["Name"] == 'line\n"quote", comma'


async def test_exported_json_holds_a_row_to_a_line(server: Server) -> None:
    table = await made(server, COLUMNS)
    address = f"/api/v1/tables/{table.id}/export"
    assert (await server.get(address, format="json")).json() == []
    for number in range(3):
        await added(server, table, Name=f"row {number}", Amount=number)
    answer = await server.get(address, format="json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()[2] == {"Name": "row 2", "Amount": 2, "Paid": None}
    assert len(answer.text.splitlines()) == 5


async def test_exported_xlsx_holds_text_and_not_formulas(server: Server) -> None:
    table = await made(server, COLUMNS)
    await added(server, table, Name="=1+1", Amount=2.5, Paid=False)
    await added(server, table, Name="bell \x07")
    answer = await server.get(f"/api/v1/tables/{table.id}/export", format="xlsx")
    sheet = load_workbook(io.BytesIO(answer.content)).active
    assert sheet is not None
    assert list(sheet.values) == [("Name", "Amount", "Paid"), ("=1+1", 2.5, False), ("bell ", None, None)]
    assert sheet["A2"].data_type == "s"


def archive(path: Path, parts: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in parts.items():
            file.writestr(name, content)
    return path


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"xl/workbook.xml": b"<x/>", "xl/sharedStrings.xml": b"\0" * 50_000_000}, "unpacks to"),
        ({"xl/workbook.xml": b"<x/>", "xl/vbaProject.bin": b"x"}, "macros"),
        ({"word/document.xml": b"<x/>"}, "no XLSX"),
        ({"xl/workbook.xml": b"<x/>"}, "damaged"),
        ({f"xl/{n}": b"" for n in range(2_100)}, "more than"),
    ],
)
def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, parts: dict[str, bytes], words: str) -> None:
    with pytest.raises(UnusableFileError, match=words):
        open_xlsx(io.BytesIO(archive(tmp_path / "a.xlsx", parts).read_bytes()), None)


@given(st.binary(max_size=300) | st.text(alphabet='a,;"\n\r\t x\u00e9', max_size=60).map(str.encode))
def test_any_bytes_are_rows_or_an_unusable_file(content: bytes) -> None:
    try:
        source = open_csv(io.BytesIO(content))
        lines = list(source.lines)
    except UnusableFileError:
        return
    assert source.header
    assert all(line.problem or len(line.values) >= 1 for line in lines)
    assert [line.number for line in lines] == sorted(line.number for line in lines)
