import base64
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.contracts.world import World
from tests.domains.documents import files
from tests.support.app import Server

PATH = "/api/v1/knowledge"


@pytest.fixture(params=["sqlite"])
def database_url(request: pytest.FixtureRequest) -> str | None:
    """What the face does is the same on both; the domain's suite runs on PostgreSQL too."""
    return None


async def send(server: Server, **parts: Any) -> httpx.Response:
    return await server.http.post(PATH, headers={"x-api-key": server.key}, **parts)


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    error: dict[str, Any] = answer.json()["error"]
    return error


async def test_one_file_of_a_form_becomes_a_document(server: Server) -> None:
    file = ("Hours.pdf", files.pdf("Open from nine to five."), "application/pdf")
    made = (await send(server, files={"file": file}, data={"title": "Opening hours"})).json()
    assert made["id"].startswith("kb_")
    assert (made["title"], made["filename"], made["status"]) == ("Opening hours", "Hours.pdf", "received")
    await World(server, server.key, {}).settle()
    ready = (await server.get(f"{PATH}/{made['id']}")).json()
    assert (ready["status"], ready["pages"], ready["chunk_count"], ready["error"]) == ("ready", 1, 1, None)
    assert [row["id"] for row in (await server.get(PATH, status="ready")).json()] == [made["id"]]
    assert (await server.get(PATH, status="failed")).json() == []
    (passage,) = (await server.post(f"{PATH}/search", {"query": "open"})).json()
    assert (passage["document_id"], passage["locator"]) == (made["id"], "page 1")
    assert (await server.delete(f"{PATH}/{made['id']}")).json() == {"deleted": True}
    assert (await server.get(f"{PATH}/{made['id']}")).status_code == 404
    assert (await server.post(f"{PATH}/search", {"query": "open"})).json() == []


async def test_of_several_files_the_good_ones_are_kept(server: Server) -> None:
    sent = [
        ("file", ("good.md", b"# Words", "text/markdown")),
        ("file", ("bad.png", b"\x89PNG\x00", "text/plain")),
        ("file", ("empty.txt", b"", "text/plain")),
        ("file", ("also good.txt", b"more words", "text/plain")),
    ]
    answer = await send(server, files=sent)
    assert answer.status_code == 200
    results = answer.json()["results"]
    assert [result["filename"] for result in results] == ["good.md", "bad.png", "empty.txt", "also good.txt"]
    assert [result["document"] is not None for result in results] == [True, False, False, True]
    assert [(result["error"] or {}).get("code") for result in results] == [
        None,
        "unsupported_type",
        "validation_error",
        None,
    ]
    assert len((await server.get(PATH)).json()) == 2
    refused = await send(server, files=sent[1:3])
    assert problem(refused, 422)["code"] == "unsupported_type"


async def test_a_document_as_json(server: Server) -> None:
    text = (await send(server, json={"title": "T", "text": "Grüße", "mime_type": "text/markdown"})).json()
    assert (text["mime_type"], text["size_bytes"], text["filename"]) == ("text/markdown", 7, None)
    word = base64.b64encode(files.word()).decode()
    file = (await send(server, json={"filename": "a.docx", "content_base64": word})).json()
    assert (file["title"], file["mime_type"].rpartition(".")[2]) == ("a", "document")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "text"),
        ({"text": "a", "content_base64": "YQ=="}, "text"),
        ({"text": ""}, "text"),
        ({"content_base64": "not base64!"}, "content_base64"),
        ({"text": "a", "title": " "}, "title"),
        ({"text": "a", "colour": "red"}, "colour"),
        ({"text": " "}, "file"),
    ],
)
async def test_json_that_is_no_document_names_the_field(server: Server, body: dict[str, Any], field: str) -> None:
    assert problem(await send(server, json=body), 422)["details"]["field"] == field


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ({"files": {"picture": b"x"}}, "picture"),
        ({"files": {"file": b"x"}, "data": {"colour": "red"}}, "colour"),
        ({"files": [("file", b"x"), ("file", b"y")], "data": {"title": "both"}}, "title"),
        ({"files": {"file": b"x"}, "data": {"title": " "}}, "title"),
    ],
)
async def test_a_form_that_is_wrong_names_the_field(server: Server, parts: dict[str, Any], field: str) -> None:
    assert problem(await send(server, **parts), 422)["details"]["field"] == field


async def test_a_file_past_the_limit_is_refused(server: Server) -> None:
    limit = server.runtime.settings.max_upload_bytes
    answer = await send(server, files={"file": ("big.txt", b"x" * (limit + 1))})
    assert problem(answer, 413)["code"] == "document_too_large"


@pytest.mark.parametrize("declares", [True, False])
async def test_a_hundred_megabytes_are_refused_before_they_are_read(server: Server, declares: bool) -> None:
    taken = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal taken
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
        for _ in range(200):
            taken += 1
            yield bytes(1_000_000)

    headers = {"x-api-key": server.key, "content-type": "multipart/form-data; boundary=x"}
    if declares:
        headers["content-length"] = "200000100"
    answer = await server.http.post(PATH, headers=headers, content=body())
    assert problem(answer, 413)["code"] == "body_too_large"
    assert taken <= (0 if declares else 101)


async def test_a_download_is_never_a_page_of_ours(server: Server) -> None:
    page = b"<html><body><script>alert(1)</script><p>words</p></body></html>"
    made = (await send(server, files={"file": ('nast"y\u00fc\r\n.html', page, "text/html")})).json()
    answer = await server.get(f"{PATH}/{made['id']}/content")
    assert answer.content == page
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    disposition = answer.headers["content-disposition"]
    assert disposition.startswith("attachment; filename=")
    assert "\n" not in disposition
    assert "filename*=UTF-8''" in disposition


async def test_nobody_else_gets_it(server: Server) -> None:
    made = (await send(server, json={"text": "a secret"})).json()
    other = await server.another_workspace()
    for path in (f"{PATH}/{made['id']}", f"{PATH}/{made['id']}/content"):
        assert (await server.get(path, key=other)).status_code == 404
        assert (await server.http.get(path)).status_code == 401
    assert (await server.delete(f"{PATH}/{made['id']}", key=other)).status_code == 404
    poor = (await server.post("/api/v1/api-keys", {"name": "poor", "scopes": ["tables"]})).json()["key"]
    assert (await server.get(PATH, key=poor)).status_code == 403
    assert (await server.post(PATH, {"text": "x"}, key=poor)).status_code == 403
