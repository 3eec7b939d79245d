import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from interlock.domains.documents.reading import process, worker
from interlock.domains.documents.reading.content import LONGEST_TEXT, UnreadableError
from interlock.domains.documents.reading.process import FileKind, ReadText, read_file
from interlock.runtime.context import Ctx
from interlock.runtime.settings import Settings
from tests.domains.documents import files
from tests.domains.governance.world import build

SOURCE = Path(__file__).parents[3] / "src"


@pytest.fixture
async def ctx(tmp_path: Path) -> AsyncIterator[Ctx]:
    world = await build(Settings(data_dir=tmp_path, database_url=None))
    yield world.ctx
    await world.runtime.database.close()


async def refusal(ctx: Ctx, kind: FileKind, content: bytes) -> str:
    with pytest.raises(UnreadableError) as caught:
        await read_file(ctx, kind, content)
    assert len(caught.value.message) > 20
    return caught.value.code


def locators(found: ReadText) -> list[str]:
    return [locator for _, _, locator in found.passages]


async def test_a_pdf_is_read_page_by_page(ctx: Ctx) -> None:
    long = "Many words (in brackets) about turbines. " * 20
    found = await read_file(ctx, FileKind.PDF, files.pdf(long, "Grüße aus Köln.", long))
    assert found.pages == 3
    assert "(in brackets)" in found.text
    assert "Grüße aus Köln." in found.text
    assert set(locators(found)) == {"page 1", "page 2"}  # a short page travels with the next one


async def test_a_pdf_that_only_its_owner_may_change_is_read(ctx: Ctx) -> None:
    found = await read_file(ctx, FileKind.PDF, files.encrypted_pdf("Read me.", user_password=""))
    assert found.text == "Read me."


async def test_a_word_document_is_read_by_its_headings(ctx: Ctx) -> None:
    paragraph = "Turbines turn. " * 40
    found = await read_file(ctx, FileKind.WORD, files.word([paragraph, paragraph], headings=["Intro", "End"]))
    assert found.pages is None
    assert found.text.startswith("Intro\n\nTurbines")
    assert "left\tright" in found.text
    assert locators(found) == ["Intro", "End"]


async def test_a_web_page_gives_what_its_reader_sees(ctx: Ctx) -> None:
    page = """<!doctype html><html><head><title>Not here</title><style>p{}</style></head><body>
        <h1>Rules</h1><p>Be   <b>kind</b>.<br>Be brief.</p><script>alert("never")</script>tail<div>one</div>two
        <pre>a
          b</pre><h2>Exceptions</h2><table><tr><td>1</td><td>2</td></tr></table><!-- nor this -->
        <template><p>hidden</p></template><p onclick="x()">done"""
    found = await read_file(ctx, FileKind.HTML, page.encode())
    assert "Rules\n\nBe kind.\nBe brief.\n\ntail\none\ntwo" in found.text
    assert "a\n          b" in found.text
    assert "1\t2" in found.text
    for word in ("Not here", "never", "nor this", "hidden", "<", "onclick"):
        assert word not in found.text


async def test_a_page_says_its_encoding(ctx: Ctx) -> None:
    page = '<html><meta charset="koi8-r"><body><p>Привет, мир</p></body></html>'.encode("koi8-r")
    assert (await read_file(ctx, FileKind.HTML, page)).text == "Привет, мир"


async def test_markdown_headings_are_places_but_not_inside_code(ctx: Ctx) -> None:
    body = "Words about setting things up. " * 15
    text = f"# Guide\n\n{body}\n\n## Install ##\n\n{body}\n\n```\n# no heading\n```\n\n# Other\n\n{body}"
    found = await read_file(ctx, FileKind.MARKDOWN, text.encode())
    assert found.text == text.replace(" \n", "\n").strip()
    assert locators(found) == ["Guide", "Guide > Install", "Other"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1251"])
async def test_plain_text_is_decoded_whatever_its_encoding(ctx: Ctx, encoding: str) -> None:
    text = "Всякий текст имеет кодировку, и её можно узнать по частоте букв. " * 5
    assert (await read_file(ctx, FileKind.PLAIN, text.encode(encoding))).text == text.strip()


async def test_characters_that_no_database_takes_are_gone(ctx: Ctx) -> None:
    assert (await read_file(ctx, FileKind.PLAIN, b"a\x00b\x08c\r\nd\x0ce")).text == "abc\nd\ne"


@pytest.mark.parametrize(
    ("kind", "content", "code"),
    [
        (FileKind.PDF, files.encrypted_pdf("secret", user_password="letmein"), "encrypted"),
        (FileKind.PDF, files.pdf("", ""), "no_text"),
        (FileKind.PDF, files.pdf("words")[:200], "broken"),
        (FileKind.PDF, b"%PDF-1.7\n" + bytes(range(256)) * 40, "broken"),
        (FileKind.WORD, files.word_with_macros(), "macros"),
        (FileKind.WORD, files.bomb(200), "too_large_unpacked"),
        (FileKind.WORD, files.lying_bomb(200), "broken"),
        (FileKind.WORD, files.repacked(files.word(), {"word/document.xml": b"<w:document"}), "broken"),
        (FileKind.WORD, files.word()[:-100], "broken"),
        (FileKind.WORD, b"PK\x03\x04 and no more", "broken"),
        (FileKind.HTML, b"<html><body><script>only()</script></body></html>", "no_text"),
        (FileKind.PLAIN, b" \n\t\n ", "no_text"),
        (FileKind.PLAIN, b"word " * (LONGEST_TEXT // 5 + 1), "too_long"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
async def test_what_cannot_become_text_says_why(ctx: Ctx, kind: FileKind, content: bytes, code: str) -> None:
    assert await refusal(ctx, kind, content) == code


async def test_a_billion_laughs_are_not_told(ctx: Ctx) -> None:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    xml = f'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY l0 "lol">{entities}]><w:document>&l9;</w:document>'
    hostile = files.repacked(files.word(), {"word/document.xml": xml.encode()})
    assert await refusal(ctx, FileKind.WORD, hostile) in {"broken", "too_large_unpacked", "no_text"}


async def test_text_made_to_be_slow_is_not(ctx: Ctx) -> None:
    for pattern in (
        "." * 1_000_000,
        "\n \n" * 300_000 + "x",
        "# " + " " * 1_000_000 + "x",
        "。" * 200_000,
        "<" * 500_000,
    ):
        found = await read_file(ctx, FileKind.MARKDOWN, pattern.encode())
        assert found.passages
    deep = b"<div>" * 5_000 + b"deep" + b"</div>" * 5_000
    assert (await read_file(ctx, FileKind.HTML, deep)).text == "deep"


async def test_a_reader_that_hangs_is_ended(ctx: Ctx, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Any] = []
    real = asyncio.create_subprocess_exec

    async def sleeper(*_command: str, **options: Any) -> Any:
        started.append(await real(sys.executable, "-c", "import signal; signal.pause()", **options))
        return started[0]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", sleeper)
    monkeypatch.setattr(process, "WALL_SECONDS", 0.2)
    assert await refusal(ctx, FileKind.PLAIN, b"text") == "timeout"
    assert started[0].returncode is not None


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("print('what?')", "broken"),
        ("import os; os.kill(os.getpid(), 11)", "broken"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGXCPU)", "timeout"),
        ('print(\'{"text": "ab", "pages": null, "passages": [[0, 3, ""]]}\')', "broken"),
        ('print(\'{"text": "ab", "pages": null, "passages": [], "more": 1}\')', "broken"),
        ('print(\'{"error": {"code": "Loud!", "message": "x"}}\')', "broken"),
        ("print('x' * 9_000_000 * 5)", "too_long"),
    ],
)
async def test_a_reader_is_not_believed(ctx: Ctx, monkeypatch: pytest.MonkeyPatch, answer: str, code: str) -> None:
    real = asyncio.create_subprocess_exec

    async def liar(*_command: str, **options: Any) -> Any:
        return await real(sys.executable, "-c", f"import sys; sys.stdin.read(); {answer}", **options)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", liar)
    assert await refusal(ctx, FileKind.PLAIN, b"text") == code


async def test_a_server_that_cannot_start_a_reader_says_so(ctx: Ctx, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert await refusal(ctx, FileKind.PLAIN, b"text") == "unavailable"


def confined(code: str) -> subprocess.CompletedProcess[str]:
    """Run code the way a reader runs, after it gave up what it does not need."""
    script = f"from interlock.domains.documents.reading import worker\nworker.confine()\n{code}"
    environment = {"PYTHONPATH": str(SOURCE)}
    return subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("import socket; socket.create_connection(('127.0.0.1', 9))", "PermissionError"),
        ("import subprocess; subprocess.run(['true'])", "PermissionError"),
        ("import os; os.system('true')", "PermissionError"),
        ("import tempfile; tempfile.TemporaryFile()", "No usable temporary directory"),
        ("bytearray(2_000_000_000)", "MemoryError"),
        ("files = [open('/dev/null') for _ in range(100)]", "Too many open files"),
    ],
)
def test_a_reader_has_no_way_out(code: str, problem: str) -> None:
    ended = confined(code)
    assert ended.returncode == 1
    assert problem in ended.stderr


def test_a_reader_knows_nothing_of_the_server() -> None:
    script = (
        "import sys, interlock.domains.documents.reading.worker as worker\n"
        "from interlock.domains.documents.reading import pdf, plain, web_page, word\n"
        "print([name for name in sys.modules if name.startswith('interlock')])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], env={"PYTHONPATH": str(SOURCE)}, capture_output=True, text=True, check=True
    )
    loaded = orjson.loads(ended.stdout.replace("'", '"'))
    rooms = ("interlock", "interlock.domains", "interlock.domains.documents")
    assert [name for name in loaded if name not in rooms and not name.startswith(f"{rooms[2]}.reading")] == []


def test_every_kind_has_a_reader() -> None:
    assert set(worker.READERS) == set(FileKind)
