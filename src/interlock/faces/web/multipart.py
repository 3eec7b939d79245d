"""Forms with several files, each of which may fail alone: streamed into temporary files, gone with the request.

Source: RFC 7578 (multipart/form-data).
"""

import contextlib
import re
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.requests import ClientDisconnect, Request

from interlock.faces.web.body import check_text
from interlock.kit.errors import InterlockError, Kind, malformed

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

FORM = "multipart/form-data"
_IN_MEMORY = 1_000_000
_LONGEST_FIELD = 100_000
_MOST_FIELDS = 100
_LONGEST_NAME = 300
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(slots=True)
class UploadedFile:
    """One file of a form, at its beginning.

    Args:
        name: of the form's field.
        filename: what the sender calls it, without folders; may be empty.
        claimed_type: what the sender says it is; a claim, no more.
        size: in bytes, also of what was not kept.
        is_too_large: past the limit, so that its content was dropped.
    """

    name: str
    filename: str
    claimed_type: str
    file: IO[bytes]
    size: int = 0
    is_too_large: bool = False


@dataclass(slots=True)
class Form:
    """The fields and files of a form, in the order they came."""

    fields: dict[str, str] = field(default_factory=dict)
    files: list[UploadedFile] = field(default_factory=list)


def _in_memory_at_first() -> IO[bytes]:
    """A place that a small file never leaves memory for."""
    return tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)


def is_form(request: Request) -> bool:
    """Whether the body is a form that may carry files."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == FORM


@contextlib.asynccontextmanager
async def received_form(
    request: Request,
    *,
    file_limit: int,
    total_limit: int,
    most_files: int,
    opened: Callable[[], IO[bytes]] = _in_memory_at_first,
) -> AsyncIterator[Form]:
    """Read a form. Files past their limit are marked and dropped, so that the others can be kept.

    Args:
        file_limit: most bytes of one file.
        total_limit: most bytes of the whole body; more is refused as soon as it is known.
        most_files: more are refused.
        opened: makes the place of a file; it is closed at the end.

    Raises:
        InterlockError: malformed when it is no form, too_large past the limits of the whole.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > total_limit:
        raise too_large(total_limit)
    reader = _Reader(file_limit, most_files, opened)
    try:
        parser = MultipartParser(_boundary(request), reader.callbacks())
        size = 0
        async for chunk in request.stream():
            size += len(chunk)
            if size > total_limit:
                raise too_large(total_limit)
            parser.write(chunk)
        parser.finalize()
        if not reader.is_complete:
            raise malformed("The form ends in the middle.", hint="Send the closing boundary.")
        for uploaded in reader.form.files:
            uploaded.file.seek(0)
        yield reader.form
    except (FormParserError, ClientDisconnect) as error:
        raise malformed(
            f"The body is not a valid form: {str(error) or 'it was cut off'}.", hint=f"Send {FORM}."
        ) from error
    finally:
        for uploaded in reader.form.files:
            uploaded.file.close()


def _boundary(request: Request) -> bytes:
    _, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get(b"boundary")
    if not boundary:
        raise malformed("The form's boundary is missing.", hint=f"Send Content-Type: {FORM}; boundary=...")
    return boundary


def too_large(limit: int) -> InterlockError:
    """What is refused for its size."""
    return InterlockError(
        Kind.TOO_LARGE, f"The upload is larger than {limit} bytes.", code="body_too_large", data={"limit_bytes": limit}
    )


class _Reader:
    """What the parser calls as it goes through the body."""

    def __init__(self, file_limit: int, most_files: int, opened: Callable[[], IO[bytes]]) -> None:
        self.form = Form()
        self.is_complete = False
        self._file_limit = file_limit
        self._most_files = most_files
        self._opened = opened
        self._header = (bytearray(), bytearray())
        self._headers: dict[str, bytes] = {}
        self._field: str | None = None
        self._text = bytearray()
        self._file: UploadedFile | None = None

    def callbacks(self) -> "MultipartCallbacks":
        """By the parser's names."""
        return {
            "on_part_begin": self._headers.clear,
            "on_header_field": lambda data, start, end: self._header[0].extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._header[1].extend(data[start:end]),
            "on_header_end": self._header_ended,
            "on_headers_finished": self._headers_ended,
            "on_part_data": self._data,
            "on_part_end": self._part_ended,
            "on_end": self._ended,
        }

    def _header_ended(self) -> None:
        name, value = self._header
        self._headers[name.decode("latin-1").lower()] = bytes(value)
        name.clear()
        value.clear()

    def _headers_ended(self) -> None:
        _, options = parse_options_header(self._headers.get("content-disposition"))
        if b"name" not in options:
            raise malformed("A part of the form has no name.", hint="Name it in Content-Disposition.")
        name = options[b"name"].decode("utf-8", "replace")[:_LONGEST_NAME]
        self._field, self._file = name, None
        self._text.clear()
        if b"filename" not in options:
            return
        if len(self.form.files) >= self._most_files:
            raise InterlockError(
                Kind.TOO_LARGE,
                f"The form carries more than {self._most_files} files.",
                code="too_many_files",
                data={"limit_files": self._most_files},
                hint="Send the others in a second call.",
            )
        self._file = UploadedFile(
            name,
            _filename(options),
            self._headers.get("content-type", b"").decode("latin-1").strip()[:_LONGEST_NAME],
            self._opened(),
        )
        self.form.files.append(self._file)

    def _data(self, data: bytes, start: int, end: int) -> None:
        size = end - start
        uploaded = self._file
        if uploaded is None:
            if len(self._text) + size > _LONGEST_FIELD:
                raise malformed(f"The form's field '{self._field}' is longer than {_LONGEST_FIELD} bytes.")
            self._text += data[start:end]
            return
        uploaded.size += size
        if uploaded.size <= self._file_limit:
            uploaded.file.write(data[start:end])
        elif not uploaded.is_too_large:
            uploaded.is_too_large = True
            uploaded.file.seek(0)
            uploaded.file.truncate()

    def _part_ended(self) -> None:
        if self._file is not None or self._field is None:
            return
        if len(self.form.fields) >= _MOST_FIELDS:
            raise malformed(f"The form has more than {_MOST_FIELDS} fields.")
        try:
            value = self._text.decode()
        except UnicodeDecodeError as error:
            raise malformed(f"The form's field '{self._field}' is not UTF-8 text.") from error
        check_text(value, self._field)
        self.form.fields[self._field] = value

    def _ended(self) -> None:
        self.is_complete = True


def _filename(options: dict[bytes, bytes]) -> str:
    """The last part of the sender's path, printable. The RFC forbids `filename*`, so that it is not looked at."""
    name = options[b"filename"].decode("utf-8", "replace")
    return _UNPRINTABLE.sub("", re.split(r"[/\\]", name)[-1]).strip()[:_LONGEST_NAME]
