import pytest

from interlock.domains.documents import kinds
from interlock.domains.documents.reading.process import FileKind
from interlock.kit.errors import InterlockError, Kind
from tests.domains.documents import files

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"


def told(content: bytes, filename: str | None = None, claim: str | None = None, *, is_text: bool = False) -> str:
    return kinds.told(content, filename=filename, claim=claim, is_text=is_text)


@pytest.mark.parametrize(
    ("content", "filename", "claim", "expected"),
    [
        (files.pdf("x"), "picture.png", "image/png", kinds.PDF),
        (b"\xef\xbb\xbf junk before " + files.pdf("x"), None, None, kinds.PDF),
        (files.word(), "notes.txt", "text/plain", kinds.WORD),
        (files.word_with_macros(), "notes.docx", kinds.WORD, kinds.WORD),
        (b"<!DOCTYPE html><p>x", "notes.txt", "text/plain", kinds.HTML),
        ("<html><p>x</p></html>".encode("utf-16"), None, None, kinds.HTML),
        (b"<p>a fragment</p>", "a.html", None, kinds.HTML),
        (b"<p>a fragment</p>", None, "text/html; charset=utf-8", kinds.HTML),
        (b"<p>a fragment</p>", None, None, kinds.PLAIN),
        (b"no markup", "a.html", "text/html", kinds.PLAIN),
        (b"# Title", "README.MD", None, kinds.MARKDOWN),
        (b"# Title", None, "text/markdown", kinds.MARKDOWN),
        (b"# Title", None, None, kinds.PLAIN),
        (b"words", "a.pdf", "application/pdf", kinds.PLAIN),
        ("Grüße".encode("cp1252"), None, None, kinds.PLAIN),
    ],
)
def test_the_content_decides(content: bytes, filename: str | None, claim: str | None, expected: str) -> None:
    assert told(content, filename, claim) == expected


@pytest.mark.parametrize(
    "content",
    [
        PNG,
        b"PK\x03\x04 some other archive",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 an old .doc",
        b"{\\rtf1 rich}",
        b"\x7fELF\x02\x01\x01\x00",
        bytes(range(1, 32)) * 10,
    ],
)
def test_what_cannot_be_read_is_refused_whatever_it_claims(content: bytes) -> None:
    with pytest.raises(InterlockError) as caught:
        told(content, "notes.txt", "text/plain")
    assert (caught.value.kind, caught.value.code) == (Kind.INVALID, "unsupported_type")
    assert caught.value.hint


def test_text_is_never_taken_for_a_file() -> None:
    assert told(b"%PDF- is how a PDF begins", is_text=True) == kinds.PLAIN
    assert told(b"PK\x03\x04", claim="text/markdown", is_text=True) == kinds.MARKDOWN


def test_every_media_type_has_a_reader() -> None:
    assert set(kinds.KINDS.values()) == set(FileKind)
