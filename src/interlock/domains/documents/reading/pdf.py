"""PDF: the text layer, page by page. Pictures of text are not read."""

from io import BytesIO

from pypdf import PasswordType, PdfReader
from pypdf.errors import PyPdfError

from interlock.domains.documents.reading.content import Content, Section, UnreadableError


def read(content: bytes) -> Content:
    """Every page's text; a document that opens with an empty password is open."""
    try:
        reader = PdfReader(BytesIO(content))
        if reader.is_encrypted and reader.decrypt("") is PasswordType.NOT_DECRYPTED:
            raise UnreadableError("encrypted", "The PDF is protected by a password; upload a copy without one.")
        sections = tuple(
            Section(f"page {number}", page.extract_text()) for number, page in enumerate(reader.pages, start=1)
        )
    except (MemoryError, UnreadableError):
        raise
    except PyPdfError as error:
        raise _broken(error) from error
    except Exception as error:  # a parser of broken files meets every kind of surprise
        raise _broken(error) from error
    if not any(section.text.strip() for section in sections):
        raise UnreadableError(
            "no_text",
            f"The PDF has no text on its {len(sections)} pages; if they are scans, upload a copy with recognised text.",
        )
    return Content(sections, len(sections))


def _broken(error: Exception) -> UnreadableError:
    return UnreadableError("broken", f"The PDF cannot be read: {type(error).__name__}: {error}"[:500])
