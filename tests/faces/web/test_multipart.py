from collections.abc import Iterable
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from interlock.faces.web.multipart import Form, is_form, received_form
from interlock.kit.errors import InterlockError, Kind

LIMITS: dict[str, Any] = {"file_limit": 1_000, "total_limit": 10_000, "most_files": 3}


def request_of(chunks: Iterable[bytes], headers: dict[str, str]) -> tuple[Request, list[bytes]]:
    """A request whose body comes in these chunks, and the list of those that nobody has asked for yet."""
    waiting = list(chunks)

    async def receive() -> dict[str, Any]:
        body = waiting.pop(0)
        return {"type": "http.request", "body": body, "more_body": bool(waiting)}

    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "POST", "headers": raw}, receive), waiting


def encoded(**parts: Any) -> tuple[bytes, dict[str, str]]:
    """A form as a client library writes it."""
    request = httpx.Request("POST", "http://x", **parts)
    return request.read(), dict(request.headers)


async def received(body: bytes, headers: dict[str, str], piece: int = 1 << 20, **limits: int) -> list[Any]:
    """What a form holds, its files read."""
    chunks = [body[at : at + piece] for at in range(0, len(body), piece)] or [b""]
    request, _ = request_of(chunks, headers)
    async with received_form(request, **{**LIMITS, **limits}) as form:
        return [form.fields, *[(file.filename, file.claimed_type, file.file.read(), file.size) for file in form.files]]


async def test_fields_and_files_come_in_order() -> None:
    body, headers = encoded(
        data={"title": "Grüße"}, files=[("file", ("a.txt", b"one", "text/plain")), ("file", ("ü.pdf", b"two"))]
    )
    found = await received(body, headers)
    assert found == [{"title": "Grüße"}, ("a.txt", "text/plain", b"one", 3), ("ü.pdf", "application/pdf", b"two", 3)]


@given(content=st.binary(max_size=900), piece=st.integers(1, 200))
async def test_no_byte_is_lost_however_the_body_is_cut(content: bytes, piece: int) -> None:
    body, headers = encoded(data={"title": "t"}, files={"file": ("f", content, "application/octet-stream")})
    assert await received(body, headers, piece) == [
        {"title": "t"},
        ("f", "application/octet-stream", content, len(content)),
    ]


async def test_a_file_too_large_is_dropped_and_its_neighbours_are_kept() -> None:
    body, headers = encoded(files=[("file", ("big", b"x" * 1_001)), ("file", ("small", b"x" * 1_000))])
    request, _ = request_of([body], headers)
    async with received_form(request, **LIMITS) as form:
        assert [(file.filename, file.is_too_large, len(file.file.read())) for file in form.files] == [
            ("big", True, 0),
            ("small", False, 1_000),
        ]


async def test_a_body_too_large_is_refused_before_it_is_read() -> None:
    _, headers = encoded(files={"file": ("big", b"x")})
    request, waiting = request_of([b"x"] * 3, {**headers, "content-length": "10001"})
    with pytest.raises(InterlockError) as caught:
        await _enter(request)
    assert (caught.value.kind, caught.value.data, len(waiting)) == (Kind.TOO_LARGE, {"limit_bytes": 10_000}, 3)


async def test_a_body_that_does_not_say_its_size_is_read_no_further_than_the_limit() -> None:
    body, headers = encoded(files={"file": ("big", b"x" * 100_000)})
    del headers["content-length"]
    request, waiting = request_of([body[at : at + 1_000] for at in range(0, len(body), 1_000)], headers)
    with pytest.raises(InterlockError) as caught:
        await _enter(request)
    assert caught.value.kind is Kind.TOO_LARGE
    assert len(waiting) > 85


async def _enter(request: Request) -> Form:
    async with received_form(request, **LIMITS) as form:
        return form


async def test_too_many_files_are_refused() -> None:
    body, headers = encoded(files=[("file", (f"f{number}", b"x")) for number in range(4)])
    with pytest.raises(InterlockError) as caught:
        await received(body, headers)
    assert caught.value.code == "too_many_files"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "multipart/form-data"),
        (b"", "multipart/form-data; boundary=x"),
        (b"no form at all", "multipart/form-data; boundary=x"),
        (
            b'--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\ncut',
            "multipart/form-data; boundary=x",
        ),
        (b"--x\r\nContent-Disposition: form-data\r\n\r\nnameless\r\n--x--\r\n", "multipart/form-data; boundary=x"),
        (
            b'--x\r\nContent-Disposition: form-data; name="t"\r\n\r\n\xff\r\n--x--\r\n',
            "multipart/form-data; boundary=x",
        ),
        (b"", f"multipart/form-data; boundary={'x' * 1000}"),
    ],
)
async def test_what_is_no_form_is_malformed(body: bytes, content_type: str) -> None:
    with pytest.raises(InterlockError) as caught:
        await received(body, {"content-type": content_type})
    assert caught.value.kind is Kind.MALFORMED


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("../../etc/passwd", "passwd"), ("C:\\docs\\a.txt", "a.txt"), ("a\tb.txt", "ab.txt"), ("x" * 400, "x" * 300)],
)
async def test_a_filename_is_a_name_and_no_path(sent: str, kept: str) -> None:
    body = f'--x\r\nContent-Disposition: form-data; name="file"; filename="{sent}"\r\n\r\nz\r\n--x--\r\n'.encode()
    (_, found) = await received(body, {"content-type": "multipart/form-data; boundary=x"})
    assert found[0] == kept


def test_only_a_form_is_a_form() -> None:
    for content_type, expected in (("multipart/form-data; boundary=x", True), ("application/json", False), ("", False)):
        request, _ = request_of([], {"content-type": content_type})
        assert is_form(request) is expected
