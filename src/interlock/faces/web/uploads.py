"""Uploaded files: multipart/form-data streamed to a temporary file, so that no upload is held in memory.

Source: RFC 7578 (multipart/form-data).
"""

import contextlib
import os
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from interlock.faces.web.body import check_text
from interlock.kit.errors import InterlockError, Kind, invalid, malformed

_MOST_FIELDS = 100
_LONGEST_FIELD = 100_000
_LONGEST_NAME = 255
_OVERHEAD = 200_000
"""What boundaries, headers and fields may add to a file."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that arrived whole, and the fields that came with it.

    Args:
        path: where its bytes are; deleted at the end of `received`, unless it was moved away.
        filename: as the client named it, without folders; never a path to write to.
        content_type: as the client declared it, in small letters; a claim.
        size: in bytes.
        fields: the other fields of the form, as text.
    """

    path: Path
    filename: str
    content_type: str
    size: int
    fields: Mapping[str, str]


@contextlib.asynccontextmanager
async def received(request: Request, folder: Path, *, limit: int, field: str = "file") -> AsyncIterator[Upload]:
    """The one file of a multipart request, streamed into a private file of the folder.

    Args:
        request: whose body nobody has read.
        folder: made where it is missing; on the disk where the file is to stay, so that it can be moved.
        limit: the largest file, in bytes.
        field: the name of the form's file field.

    Raises:
        InterlockError: no multipart form, no such file or more than one, too large, or cut off.
    """
    descriptor, path = _opened(folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            form = await _read(request, file, limit, field)
        yield Upload(path, form.filename, form.content_type, form.size, form.fields)
    finally:
        _removed(path)


def _opened(folder: Path) -> tuple[int, Path]:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix="upload-", dir=folder)
    return descriptor, Path(name)


def _removed(path: Path) -> None:
    path.unlink(missing_ok=True)


async def _read(request: Request, file: IO[bytes], limit: int, field: str) -> "_Form":
    kind, options = parse_options_header(request.headers.get("content-type"))
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise malformed("The body must be multipart/form-data.", hint=f"Send a form with the file in '{field}'.")
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit + _OVERHEAD:
        raise _too_large(limit)
    form = _Form(file, limit, field)
    try:
        parser = MultipartParser(boundary, form.callbacks())  # type: ignore[arg-type]
        async for chunk in request.stream():
            parser.write(chunk)
        parser.finalize()
    except (FormParserError, ClientDisconnect) as error:
        raise malformed(f"The form could not be read: {str(error) or 'it was cut off'}.") from error
    return form.checked()


class _Form:
    """What a form holds, as the parser tells it piece by piece."""

    def __init__(self, file: IO[bytes], limit: int, field: str) -> None:
        self.filename = ""
        self.content_type = ""
        self.size = 0
        self.fields: dict[str, str] = {}
        self._file = file
        self._limit = limit
        self._field = field
        self._files = 0
        self._ended = False
        self._header = b""
        self._value = b""
        self._headers: dict[bytes, bytes] = {}
        self._name = ""
        self._is_file = False
        self._text = bytearray()

    def callbacks(self) -> dict[str, object]:
        """What the parser calls."""
        return {
            "on_part_begin": self._part_begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._part_data,
            "on_part_end": self._part_end,
            "on_end": self._end,
        }

    def checked(self) -> "_Form":
        """The form, when it is whole and has its file."""
        if not self._ended:
            raise malformed("The form was cut off before its end.")
        if self._files == 0:
            raise invalid(f"'{self._field}' is missing.", field=self._field, hint="Send the file in this field.")
        return self

    def _part_begin(self) -> None:
        self._headers = {}
        self._text = bytearray()

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._header.lower()] = self._value
        self._header = self._value = b""

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        self._name = _text(options.get(b"name", b""), "name")
        self._is_file = b"filename" in options
        if not self._is_file:
            if len(self.fields) >= _MOST_FIELDS:
                raise invalid(f"The form has more than {_MOST_FIELDS} fields.", field=self._name)
            return
        self._files += 1
        if self._name != self._field or self._files > 1:
            raise invalid(f"The form takes one file, in '{self._field}'.", field=self._name or "file")
        name = _text(options[b"filename"], self._field).replace("\\", "/").rpartition("/")[2].strip()
        self.filename = name[-_LONGEST_NAME:] or "file"
        self.content_type = (
            _text(self._headers.get(b"content-type", b""), self._field).partition(";")[0].strip().lower()
        )

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self.size += end - start
            if self.size > self._limit:
                raise _too_large(self._limit)
            self._file.write(data[start:end])
            return
        self._text += data[start:end]
        if len(self._text) > _LONGEST_FIELD:
            raise invalid(f"'{self._name}' is longer than {_LONGEST_FIELD} bytes.", field=self._name)

    def _part_end(self) -> None:
        if not self._is_file:
            self.fields[self._name] = _text(bytes(self._text), self._name)

    def _end(self) -> None:
        self._ended = True


def _text(raw: bytes, field: str) -> str:
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise invalid(f"'{field}' is not UTF-8.", field=field) from error
    check_text(text, field)
    return text


def _too_large(limit: int) -> InterlockError:
    return InterlockError(
        Kind.TOO_LARGE, f"The file is larger than {limit} bytes.", code="body_too_large", data={"limit_bytes": limit}
    )
