import asyncio
from typing import Any

import pytest
from sqlalchemy import Table, func, select

from interlock.domains.documents import jobs, service
from interlock.domains.documents.models import document_blobs, document_chunks, document_versions, documents
from interlock.domains.documents.reading.process import read_file
from interlock.domains.documents.repository import Parts
from interlock.domains.documents.service import DocumentRef, FindPassages, UploadDocument
from interlock.domains.documents.states import DocumentStatus
from interlock.domains.documents.views import Document, DocumentId, Passage
from interlock.kit.errors import InterlockError, Kind
from interlock.runtime.context import Ctx
from interlock.runtime.invoke import invoke
from interlock.runtime.search.schema import search_entries
from tests.contracts.world import World
from tests.domains.documents import files
from tests.support.app import Server

PATIENCE = 60.0
LONG = (
    "".join(f"## Part {part}\n\n" + f"Sentence of part {part} about turbines. " * 30 + "\n\n" for part in range(25))
    + "## Last\n\nZanzibar."
)


async def upload(server: Server, content: bytes, **facts: Any) -> Document:
    return await invoke(await server.ctx(), service.upload, UploadDocument(content=content, **facts))


async def at_rest(server: Server, document: Document) -> Document:
    """The document once its reading has come to an end."""
    async with asyncio.timeout(PATIENCE):
        while True:
            found = await invoke(await server.ctx(), service.get, DocumentRef(document_id=document.id))
            if found.status in {DocumentStatus.READY, DocumentStatus.FAILED}:
                return found
            await asyncio.sleep(0.02)


async def find(server: Server, query: str, *ids: DocumentId, key: str | None = None) -> tuple[Passage, ...]:
    command = FindPassages(query=query, document_ids=ids or None)
    return await invoke(await server.ctx(key), service.search, command)


async def count(ctx: Ctx, *tables: Table) -> list[int]:
    async with ctx.begin(write=False) as unit:
        session = await unit.session()
        return [(await session.execute(select(func.count()).select_from(table))).scalar_one() for table in tables]


async def entries(ctx: Ctx) -> int:
    """How many passages a search would look at."""
    async with ctx.begin(write=False) as unit:
        statement = select(func.count()).where(search_entries.c.removed_at.is_(None))
        number: int = (await (await unit.session()).execute(statement)).scalar_one()
        return number


async def test_a_document_is_read_and_found(server: Server) -> None:
    pdf = files.pdf("The warranty lasts for two years.", "Returns are accepted within thirty days.")
    made = await upload(server, pdf, filename="terms and conditions.pdf", mime_type="image/png")
    assert (made.title, made.mime_type, made.status) == ("terms and conditions", "application/pdf", "received")
    ready = await at_rest(server, made)
    assert (ready.status, ready.pages, ready.chunk_count, ready.error) == (DocumentStatus.READY, 2, 1, None)
    (passage,) = await find(server, "How long is the warranty?")
    assert (passage.document_id, passage.title, passage.locator) == (made.id, "terms and conditions", "page 1")
    assert "two years" in passage.text
    assert 0 <= passage.score <= 1
    file = await invoke(await server.ctx(), service.content, DocumentRef(document_id=made.id))
    assert (file.content, file.filename) == (pdf, "terms and conditions.pdf")


async def test_a_search_may_be_kept_to_some_documents(server: Server) -> None:
    first, second = [await upload(server, f"Turbine number {n} turns quickly.".encode(), title=f"T{n}") for n in (1, 2)]
    for document in (first, second):
        await at_rest(server, document)
    assert {passage.title for passage in await find(server, "turbine")} == {"T1", "T2"}
    assert [passage.title for passage in await find(server, "turbine", second.id)] == ["T2"]
    unknown = DocumentId.new()
    with pytest.raises(InterlockError) as caught:
        await find(server, "turbine", second.id, unknown)
    assert caught.value.kind is Kind.NOT_FOUND
    ctx = await server.ctx()
    found = await service.find(ctx, FindPassages(query="turbine", document_ids=(unknown, second.id)))
    assert [passage.title for passage in found] == ["T2"]
    assert await service.find(ctx, FindPassages(query="turbine", document_ids=())) == ()
    async with ctx.begin(write=False) as unit:
        assert await service.missing(unit, (first.id, unknown)) == (unknown,)


async def test_another_workspace_finds_nothing(server: Server) -> None:
    await at_rest(server, await upload(server, b"A secret about turbines."))
    assert await find(server, "turbines", key=await server.another_workspace()) == ()
    assert len(await find(server, "turbines")) == 1


async def test_what_cannot_be_read_says_so_and_may_be_tried_again(server: Server) -> None:
    made = await upload(server, files.word_with_macros(), filename="a.docx")
    failed = await at_rest(server, made)
    assert (failed.status, failed.error_code, failed.chunk_count) == (DocumentStatus.FAILED, "macros", 0)
    assert "macros" in (failed.error or "")
    again = await invoke(await server.ctx(), service.retry, DocumentRef(document_id=made.id))
    assert (again.status, again.error) == (DocumentStatus.RECEIVED, None)
    assert (await at_rest(server, made)).error_code == "macros"
    ready = await at_rest(server, await upload(server, b"words"))
    with pytest.raises(InterlockError) as caught:
        await invoke(await server.ctx(), service.retry, DocumentRef(document_id=ready.id))
    assert caught.value.kind is Kind.CONFLICT


async def test_what_was_read_is_shown_by_the_stretch_and_a_passage_says_where_it_stands(server: Server) -> None:
    made = await at_rest(server, await upload(server, LONG.encode(), filename="long.md"))

    async def stretch(first: int, limit: int = 20_000) -> dict[str, Any]:
        path = f"/api/v1/knowledge/{made.id}/text"
        return dict((await server.get(path, first=first, limit=limit)).json())

    whole = await stretch(0, 50_000)
    assert whole["total"] == len(whole["text"])
    assert (await stretch(10, 25))["text"] == whole["text"][10:35]
    assert (await stretch(whole["total"] + 5))["text"] == ""
    passage = (await find(server, "Zanzibar"))[0]
    assert whole["text"][passage.first :].startswith(passage.text)


async def test_a_replaced_document_is_found_by_its_new_text_alone(server: Server) -> None:
    made = await at_rest(server, await upload(server, b"The turbine is blue.", filename="facts.txt"))
    path = f"/api/v1/knowledge/{made.id}/content"
    headers = {"x-api-key": server.key}
    reply = await server.http.put(path, json={"text": "The windmill is red."}, headers=headers)
    assert (reply.json()["status"], reply.json()["version"], reply.json()["title"]) == ("received", 2, "facts")
    assert (await at_rest(server, made)).status is DocumentStatus.READY
    assert [passage.text for passage in await find(server, "turbine windmill", made.id)] == ["The windmill is red."]
    assert (await invoke(await server.ctx(), service.content, DocumentRef(document_id=made.id))).content == (
        b"The windmill is red."
    )
    file = {"file": ("broken.pdf", b"%PDF-1.4 and no more", "application/pdf")}
    assert (await server.http.put(path, files=file, headers=headers)).json()["version"] == 3
    failed = await at_rest(server, made)
    assert (failed.status, failed.chunk_count) == (DocumentStatus.FAILED, 0)
    assert await find(server, "windmill", made.id) == ()
    assert await count(await server.ctx(), document_versions) == [3]
    refused = await server.http.put(
        path.replace(str(made.id), str(DocumentId.new())), json={"text": "x"}, headers=headers
    )
    assert refused.status_code == 404


async def test_only_a_failed_reading_is_tried_again(server: Server) -> None:
    made = await at_rest(server, await upload(server, b"The turbine is blue."))
    with pytest.raises(InterlockError) as refusal:
        await invoke(await server.ctx(), service.retry, DocumentRef(document_id=made.id))
    assert (refusal.value.kind, refusal.value.code) == (Kind.CONFLICT, "not_failed")


async def test_equal_bytes_are_kept_once_and_go_with_the_last_who_holds_them(server: Server) -> None:
    ctx = await server.ctx()
    twins = [await upload(server, b"The same words.", title=title) for title in ("A", "B")]
    for document in twins:
        await at_rest(server, document)
    parts = (documents, document_versions, document_chunks, document_blobs)
    assert await count(ctx, *parts) == [2, 2, 2, 1]
    await invoke(ctx, service.delete, DocumentRef(document_id=twins[0].id))
    assert await count(ctx, *parts) == [1, 1, 1, 1]
    assert [passage.title for passage in await find(server, "words")] == ["B"]
    await invoke(ctx, service.delete, DocumentRef(document_id=twins[1].id))
    assert await count(ctx, *parts) == [0, 0, 0, 0]
    assert await entries(ctx) == 0


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", "validation_error"), (b" \n ", "validation_error"), (b"\x89PNG\x00", "unsupported_type")],
)
async def test_what_is_no_document_is_refused_at_once(server: Server, content: bytes, code: str) -> None:
    with pytest.raises(InterlockError) as caught:
        await upload(server, content)
    assert (caught.value.kind, caught.value.code) == (Kind.INVALID, code)
    assert await count(await server.ctx(), documents, document_blobs) == [0, 0]


async def test_a_reading_that_is_cut_off_begins_anew(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = Parts.add_chunks, 0

    async def cut_off(self: Parts, first: int, spans: Any) -> list[int]:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise RuntimeError("the power went off")
        return await real(self, first, spans)

    monkeypatch.setattr(Parts, "add_chunks", cut_off)
    monkeypatch.setattr(jobs, "BATCH", 10)
    ready = await at_rest(server, await upload(server, LONG.encode(), mime_type="text/markdown"))
    assert calls > 3
    assert ready.chunk_count > 20
    ctx = await server.ctx()
    assert await count(ctx, document_chunks) == [ready.chunk_count]
    assert await entries(ctx) == ready.chunk_count
    assert (await find(server, "Zanzibar"))[0].locator == "Last"


async def test_a_document_deleted_while_it_is_read_leaves_nothing(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    ctx, gone = await server.ctx(), asyncio.Event()

    async def deleting(ctx_of_job: Ctx, kind: Any, content: bytes) -> Any:
        found = await read_file(ctx_of_job, kind, content)
        async with ctx.begin(write=False) as unit:
            (key,) = (await (await unit.session()).execute(select(documents.c.guid))).scalars()
        await invoke(ctx, service.delete, DocumentRef(document_id=key))
        gone.set()
        return found

    monkeypatch.setattr("interlock.domains.documents.jobs.read_file", deleting)
    made = await upload(server, LONG.encode())
    await asyncio.wait_for(gone.wait(), PATIENCE)
    await jobs.extract(ctx, jobs.ExtractDocument(document_id=made.id, version=1))
    assert await count(ctx, documents, document_versions, document_chunks, document_blobs) == [0, 0, 0, 0]
    assert await entries(ctx) == 0


async def test_a_long_document_goes_in_pieces(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    ready = await at_rest(server, await upload(server, LONG.encode(), mime_type="text/markdown"))
    monkeypatch.setattr(jobs, "BATCH", 10)
    ctx = await server.ctx()
    await invoke(ctx, service.delete, DocumentRef(document_id=ready.id))
    assert await find(server, "Zanzibar") == ()
    await World(server, server.key, {}).settle()
    assert await count(ctx, document_chunks) == [0]
    assert await entries(ctx) == 0


async def test_reading_twice_changes_nothing(server: Server) -> None:
    ready = await at_rest(server, await upload(server, b"Once is enough."))
    ctx = await server.ctx()
    await jobs.extract(ctx, jobs.ExtractDocument(document_id=ready.id, version=1))
    assert await invoke(ctx, service.get, DocumentRef(document_id=ready.id)) == ready
    assert await count(ctx, document_chunks) == [1]


async def test_a_file_past_the_limit_is_too_large(server: Server) -> None:
    limit = server.runtime.settings.max_upload_bytes
    with pytest.raises(InterlockError) as caught:
        await upload(server, b"x" * (limit + 1))
    assert (caught.value.kind, caught.value.data) == (Kind.TOO_LARGE, {"limit_bytes": limit})
