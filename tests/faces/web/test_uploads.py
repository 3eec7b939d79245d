"""Files that arrive in forms."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from interlock.faces.web.errors import error_response
from interlock.faces.web.uploads import received
from interlock.kit.errors import InterlockError

LIMIT = 100_000


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async def take(request: Request) -> Response:
        try:
            async with received(request, tmp_path / "in", limit=LIMIT) as upload:
                content = upload.path.read_bytes()
                assert upload.path.stat().st_mode & 0o077 == 0
                return JSONResponse(
                    {
                        "name": upload.filename,
                        "type": upload.content_type,
                        "size": upload.size,
                        "same": content == b"x" * upload.size,
                        "fields": dict(upload.fields),
                    }
                )
        except InterlockError as error:
            return error_response(error)

    app = Starlette(routes=[Route("/", take, methods=["POST"])])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://testserver") as client:
        yield client
    assert list((tmp_path / "in").glob("*")) == []


async def test_a_file_arrives_with_its_fields_and_leaves_nothing_behind(http: httpx.AsyncClient) -> None:
    file = ("../etc/päss.csv", b"x" * 70_000, "Text/CSV; charset=utf-8")
    answer = await http.post("/", files={"file": file}, data={"table": "ä", "note": ""})
    assert answer.json() == {
        "name": "päss.csv",
        "type": "text/csv",
        "size": 70_000,
        "same": True,
        "fields": {"table": "ä", "note": ""},
    }


async def test_pieces_of_any_size_make_the_same_file(http: httpx.AsyncClient) -> None:
    request = http.build_request("POST", "/", files={"file": ("a", b"x" * 500)}, data={"k": "v"})
    whole = request.read()

    async def one_by_one() -> AsyncIterator[bytes]:
        for number in range(len(whole)):
            yield whole[number : number + 1]

    answer = await http.post("/", content=one_by_one(), headers={"content-type": request.headers["content-type"]})
    assert (answer.json()["size"], answer.json()["fields"]) == (500, {"k": "v"})


@pytest.mark.parametrize("declared", [True, False])
async def test_a_file_that_is_too_large_is_refused(http: httpx.AsyncClient, declared: bool) -> None:
    request = http.build_request("POST", "/", files={"file": ("a", b"x" * (LIMIT + 300_000))})
    whole = request.read()

    async def pieces() -> AsyncIterator[bytes]:
        yield whole

    answer = await http.post(
        "/",
        content=whole if declared else pieces(),
        headers={"content-type": request.headers["content-type"]},
    )
    assert answer.status_code == 413
    assert answer.json()["error"]["details"]["limit_bytes"] == LIMIT


async def test_what_is_no_such_form_is_refused(http: httpx.AsyncClient) -> None:
    assert (await http.post("/", json={})).status_code == 400
    assert (await http.post("/", files={"other": ("a", b"x")})).status_code == 422
    assert (await http.post("/", files={"file": (None, b"x")})).status_code == 422
    assert (await http.post("/", files=[("file", ("a", b"x")), ("file", ("b", b"x"))])).status_code == 422
    boundary = {"content-type": "multipart/form-data; boundary=b"}
    for broken in (b"", b"--b\r\n", b"--b\r\ncontent-disposition: form-data; name=file; filename=a\r\n\r\nxx", b"junk"):
        answer = await http.post("/", content=broken, headers=boundary)
        assert answer.status_code == 400, broken
