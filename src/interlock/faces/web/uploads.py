"""A form with one file, streamed into a private file of a folder, so that it can stay there."""

import contextlib
import os
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from starlette.requests import Request

from interlock.faces.web.multipart import is_form, received_form, too_large
from interlock.kit.errors import InterlockError, Kind, invalid, malformed

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
    if not is_form(request):
        raise malformed("The body must be multipart/form-data.", hint=f"Send a form with the file in '{field}'.")
    descriptor, path = _opened(folder)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            upload = await _read(request, file, path, limit, field)
        yield upload
    finally:
        _removed(path)


def _opened(folder: Path) -> tuple[int, Path]:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix="upload-", dir=folder)
    return descriptor, Path(name)


def _removed(path: Path) -> None:
    path.unlink(missing_ok=True)


async def _read(request: Request, file: IO[bytes], path: Path, limit: int, field: str) -> Upload:
    most = limit + _OVERHEAD
    try:
        async with received_form(
            request, file_limit=limit, total_limit=most, most_files=1, opened=lambda: file
        ) as form:
            found = form.files
    except InterlockError as error:
        if error.code == "too_many_files":
            raise invalid(f"The form takes one file, in '{field}'.", field=field) from error
        raise (too_large(limit) if error.kind is Kind.TOO_LARGE else error) from error
    if found and found[0].name != field:
        raise invalid(f"The form takes one file, in '{field}'.", field=found[0].name or "file")
    if not found:
        raise invalid(f"'{field}' is missing.", field=field, hint="Send the file in this field.")
    if found[0].is_too_large:
        raise too_large(limit)
    kind = found[0].claimed_type.partition(";")[0].strip().lower()
    return Upload(path, found[0].filename or "file", kind, found[0].size, form.fields)
