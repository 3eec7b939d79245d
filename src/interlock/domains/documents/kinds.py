"""What a file is, told from its content; what its sender claims decides only between kinds of text."""

import codecs
import re

from interlock.domains.documents.reading.process import FileKind
from interlock.kit.errors import InterlockError, Kind

PDF = "application/pdf"
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
HTML, MARKDOWN, PLAIN = "text/html", "text/markdown", "text/plain"
KINDS: dict[str, FileKind] = {
    PDF: FileKind.PDF,
    WORD: FileKind.WORD,
    HTML: FileKind.HTML,
    MARKDOWN: FileKind.MARKDOWN,
    PLAIN: FileKind.PLAIN,
}

_HEAD = 1_024
_SAMPLE = 65_536
_MOST_CONTROL = 0.02
_ARCHIVE, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_CONTROL = bytes(set(range(32)) - set(b"\t\n\r\f\x1b")) + b"\x7f"
_PAGE = re.compile(rb"<(?:!doctype\s+html|html|head|body)[\s>]", re.IGNORECASE)
_TAG = re.compile(rb"<(?:p|div|h[1-6]|ul|ol|table|article|section|main|br|a|span)[\s>/]", re.IGNORECASE)
_WHAT_CAN_BE_READ = "Upload PDF, Word (.docx), HTML, Markdown or plain text."
_OFFICE = "an Office document of another kind, of an old format, or protected by a password"


def told(content: bytes, *, filename: str | None, claim: str | None, is_text: bool) -> str:
    """The media type of a file.

    Args:
        content: all of it.
        filename: as the sender named it.
        claim: the media type the sender gave.
        is_text: it came as text, so that its first bytes are no magic number.

    Raises:
        InterlockError: invalid when it is nothing that can be read.
    """
    if not is_text:
        if b"%PDF-" in content[:_HEAD]:
            return PDF
        if content.startswith(_ARCHIVE):
            if b"[Content_Types].xml" in content and b"word/" in content:
                return WORD
            raise _unsupported("an archive that is no Word document")
        if content.startswith(_OLE):
            raise _unsupported(_OFFICE)
        if content.startswith(b"{\\rtf"):
            raise _unsupported("rich text (RTF)")
        if _is_binary(content):
            raise _unsupported("binary data of a kind that is not known here")
    claimed, name = (claim or "").partition(";")[0].strip().lower(), (filename or "").lower()
    head = content[:_HEAD].replace(b"\0", b"")  # UTF-16 writes markup with every second byte zero
    if _PAGE.search(head) and head.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").startswith(b"<"):
        return HTML
    if (claimed == HTML or name.endswith((".html", ".htm"))) and _TAG.search(head):
        return HTML
    if claimed in {MARKDOWN, "text/x-markdown"} or name.endswith((".md", ".markdown")):
        return MARKDOWN
    return PLAIN


def _is_binary(content: bytes) -> bool:
    if content.startswith(_WIDE):
        return False
    sample = content[:_SAMPLE]
    control = len(sample) - len(sample.translate(None, _CONTROL))
    return b"\0" in content or control > _MOST_CONTROL * len(sample)


def _unsupported(what: str) -> InterlockError:
    return InterlockError(
        Kind.INVALID,
        f"The file is {what}; it cannot be read.",
        code="unsupported_type",
        data={"field": "file"},
        hint=_WHAT_CAN_BE_READ,
    )
