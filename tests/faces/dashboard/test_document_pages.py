"""Documents in the dashboard: several files at once, what failed and why, highlights, text by the stretch."""

import asyncio

import httpx

from interlock.faces.dashboard.areas.documents import Piece, marked
from tests.faces.dashboard.conftest import Person


def test_words_that_were_asked_for_stand_alone() -> None:
    assert marked("Warranties last; the warranty ends.", "warranty?") == [
        Piece("Warranties last; the ", is_marked=False),
        Piece("warranty", is_marked=True),
        Piece(" ends.", is_marked=False),
    ]
    assert marked("a (b", "of") == [Piece("a (b", is_marked=False)]


async def send(person: Person, path: str, *files: tuple[str, bytes], csrf: str | None = None) -> httpx.Response:
    token = person.csrf if csrf is None else csrf
    parts = [("file", (name, content, "application/octet-stream")) for name, content in files]
    return await person.server.http.post(
        path, params={"_csrf": token}, files=parts, headers={**person.cookies, "accept": "text/html"}
    )


async def settled(person: Person, path: str, words: str) -> str:
    async with asyncio.timeout(60):
        while True:
            page = (await person.get(path)).text
            if words in page:
                return page
            await asyncio.sleep(0.05)


async def test_files_are_taken_read_found_replaced_and_deleted(owner: Person) -> None:
    assert "No document yet" in (await owner.get("/documents")).text
    facts = b"# Warranty\n\nThe turbine has a warranty of two years."
    taken = await send(owner, "/documents", ("facts.md", facts), ("broken.pdf", b"%PDF-1.4 and no more"))
    assert taken.status_code == 303
    page = await settled(owner, "/documents?status=failed", "Retry")
    assert "broken" in page
    await settled(owner, "/documents?status=ready", "facts")
    found = (await owner.get("/documents?q=how+long+is+the+warranty")).text
    assert "<mark>warranty</mark>" in found
    where = found.partition('<h3 class="grow"><a href="')[2].partition('"')[0].replace("&amp;", "&")
    detail = (await owner.get(where)).text
    assert "two years" in detail
    plain = where.partition("?")[0]
    file = await owner.get(f"{plain}/file")
    assert (file.content, file.headers["content-type"]) == (facts, "application/octet-stream")
    assert (await send(owner, f"{plain}/replace", ("new.md", b"The windmill is red."))).status_code == 303
    await settled(owner, plain, "The windmill is red.")
    assert (await owner.post(f"{plain}/delete")).headers["location"] == "/documents"
    assert (await owner.get(plain)).status_code == 404


async def test_what_cannot_be_taken_is_named_and_the_rest_is_kept(owner: Person) -> None:
    answer = await send(owner, "/documents", ("photo.zip", b"PK\x03\x04" + b"\0" * 50), ("good.txt", b"Good words."))
    assert answer.status_code == 422
    assert "photo.zip" in answer.text
    assert "1 of the others was kept" in answer.text
    assert "good.txt" in answer.text
    assert (await send(owner, "/documents", ("good.txt", b"Good words."), csrf="wrong")).status_code == 403
    assert (await send(owner, "/documents")).status_code in {400, 422}
