"""Files into tables, with live progress and every refused row, and tables into files."""

from typing import Any

from starlette.responses import Response

from interlock.domains.tables import service as tables
from interlock.domains.tables.states import IMPORT_LIFE
from interlock.faces.dashboard.refusals import Problems, problems_of
from interlock.faces.dashboard.render import attachment, go, html
from interlock.faces.dashboard.routing import action, page
from interlock.faces.dashboard.visits import Visit
from interlock.faces.web.uploads import received
from interlock.kit.errors import InterlockError
from interlock.kit.paging import Page

MOST_BYTES = 50_000_000
_PROBLEMS = 100
_IMPORTS = 20


async def start(visit: Visit) -> Response:
    """The form for a file, into a table or into a new one."""
    return await _start(visit)


async def _start(visit: Visit, problems: Problems | None = None) -> Response:
    facts: dict[str, Any] = {"table": None, "imports": ()}
    if "table_id" in visit.request.path_params:
        facts["table"] = await visit.call(tables.get, visit.command(tables.TableRef, {}, "table_id"))
        wanted = visit.command(tables.ListImports, {"limit": _IMPORTS}, "table_id")
        facts["imports"] = (await visit.call(tables.list_imports, wanted)).items
    status = 422 if problems else 200
    return html(
        visit, "tables/import.html", status=status, problems=problems or Problems(), most_bytes=MOST_BYTES, **facts
    )


async def take(visit: Visit) -> Response:
    """Take a file; its rows go in afterwards."""
    places = ("table_id",) if "table_id" in visit.request.path_params else ()
    try:
        async with received(visit.request, visit.ctx.settings.data_dir / "imports", limit=MOST_BYTES) as upload:
            given = {name: value for name, value in upload.fields.items() if value and name in {"name", "sheet"}}
            values = {**given, "file": upload.path, "filename": upload.filename}
            found = await visit.call(tables.import_file, visit.command(tables.ImportFile, values, *places))
    except InterlockError as error:
        return await _start(visit, problems_of(error))
    return go(visit, f"/tables/{found.table_id}/imports/{found.id}")


async def shown(visit: Visit) -> Response:
    """How far an import has come, and which rows were refused."""
    return html(visit, "tables/import_progress.html", **await _progress(visit))


async def part(visit: Visit) -> Response:
    """The progress alone."""
    return html(visit, "tables/_import_progress.html", **await _progress(visit))


async def _progress(visit: Visit) -> dict[str, Any]:
    ref = visit.command(tables.ImportRef, {}, "table_id", "import_id")
    found = await visit.call(tables.get_import, ref)
    wanted = {"limit": _PROBLEMS, "offset": visit.query.get("offset", 0)}
    command = visit.command(tables.ListProblems, wanted, "table_id", "import_id")
    problems = await visit.call(tables.import_problems, command)
    table = await visit.call(tables.get, tables.TableRef(table_id=ref.table_id))
    shown_problems = Page(problems, command.limit, command.offset)
    stream = await visit.call(tables.import_events, ref)
    is_over = IMPORT_LIFE.is_final(found.status)
    return {"table": table, "found": found, "problems": shown_problems, "stream": stream, "is_over": is_over}


async def export(visit: Visit) -> Response:
    """A table as a file, written while it is read."""
    values = {"format": visit.query.get("format", "csv")}
    found = await visit.call(tables.export, visit.command(tables.ExportTable, values, "table_id"))
    return attachment(found.filename, found.chunks, found.media_type)


ROUTES = (
    page("/tables/import", start),
    action("/tables/import", take),
    page("/tables/{table_id}/import", start),
    action("/tables/{table_id}/import", take),
    page("/tables/{table_id}/imports/{import_id}", shown),
    page("/tables/{table_id}/imports/{import_id}/_progress", part),
    page("/tables/{table_id}/export", export),
)
