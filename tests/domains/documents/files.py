"""Real files of every kind, made where a test needs them."""

import zipfile
from collections.abc import Sequence
from io import BytesIO

import docx
from pypdf import PdfReader, PdfWriter

MAIN = b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
MACROS = b"application/vnd.ms-word.document.macroEnabled.main+xml"


def pdf(*pages: str) -> bytes:
    """A PDF with one line of text to a page, written by hand: objects, cross-reference table, trailer."""
    count = len(pages)
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(count))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Count {count} /Kids [{kids}] >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for number, text in enumerate(pages):
        escaped = text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)").encode("cp1252")
        stream = b"BT /F1 12 Tf 72 720 Td (" + escaped + b") Tj ET"
        page = f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {5 + 2 * number} 0 R "
        objects += [
            page.encode() + b"/Resources << /Font << /F1 3 0 R >> >> >>",
            b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        ]
    body, offsets = bytearray(b"%PDF-1.4\n"), list[int]()
    for number, content in enumerate(objects, start=1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    tail = b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
    return bytes(body) + tail % (size, table, size, len(body))


def encrypted_pdf(text: str, *, user_password: str) -> bytes:
    """A PDF that asks for a password, or, where it is empty, only keeps people from changing it."""
    writer = PdfWriter(clone_from=PdfReader(BytesIO(pdf(text))))
    writer.encrypt(user_password, "the owner's", algorithm="AES-256")
    made = BytesIO()
    writer.write(made)
    return made.getvalue()


def word(paragraphs: Sequence[str] = ("Some words.",), *, headings: Sequence[str] = ()) -> bytes:
    """A .docx; each heading stands before the paragraph of the same place."""
    document = docx.Document()
    for place, paragraph in enumerate(paragraphs):
        if place < len(headings):
            document.add_heading(headings[place], level=1)
        document.add_paragraph(paragraph)
    table = document.add_table(1, 2)
    table.cell(0, 0).text, table.cell(0, 1).text = "left", "right"
    made = BytesIO()
    document.save(made)
    return made.getvalue()


def repacked(archive: bytes, replaced: dict[str, bytes]) -> bytes:
    """The same archive with parts replaced or added."""
    made = BytesIO()
    with zipfile.ZipFile(BytesIO(archive)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for name in dict.fromkeys([*old.namelist(), *replaced]):
            new.writestr(name, replaced[name] if name in replaced else old.read(name))
    return made.getvalue()


def word_with_macros() -> bytes:
    """A .docm under the name of a .docx."""
    plain = word()
    with zipfile.ZipFile(BytesIO(plain)) as archive:
        types = archive.read("[Content_Types].xml").replace(MAIN, MACROS)
    return repacked(plain, {"[Content_Types].xml": types, "word/vbaProject.bin": b"macro"})


def bomb(megabytes: int) -> bytes:
    """A .docx of some kilobytes whose text unpacks to many megabytes."""
    return repacked(word(), {"word/document.xml": b" " * (megabytes * 1_000_000)})


def lying_bomb(megabytes: int) -> bytes:
    """The same, except that the archive's directory says the part is small."""
    made = bytearray(bomb(megabytes))
    true = (megabytes * 1_000_000).to_bytes(4, "little")
    assert made.count(true) >= 2
    return bytes(made.replace(true, (1_000).to_bytes(4, "little")))
