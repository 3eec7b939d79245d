"""Starts the reading process for a file and takes its answer, believing nothing it says."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError

import interlock
from interlock.domains.documents.reading.content import LONGEST_LOCATOR, LONGEST_TEXT, UnreadableError
from interlock.domains.documents.reading.passages import LARGEST
from interlock.runtime.context import Ctx

log = structlog.get_logger(__name__)

AT_ONCE = 2
WALL_SECONDS = 180.0
_WORKER = "interlock.domains.documents.reading.worker"
_LONGEST_ANSWER = 8 * LONGEST_TEXT
_PIECE = 1 << 16


class FileKind(StrEnum):
    """Which reader a file is for."""

    PDF = "pdf"
    WORD = "word"
    HTML = "html"
    MARKDOWN = "markdown"
    PLAIN = "plain"


class _Refusal(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    code: Annotated[str, Field(pattern=r"^[a-z_]{1,60}$")]
    message: Annotated[str, Field(max_length=1_000)]


class ReadText(BaseModel):
    """A document's text and where its passages begin and end, with their locators."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT)]
    pages: Annotated[int, Field(ge=0, le=10_000_000)] | None
    passages: tuple[
        tuple[
            Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)], Annotated[str, Field(max_length=LONGEST_LOCATOR)]
        ],
        ...,
    ]


class _Answer(BaseModel):
    error: _Refusal


async def read_file(ctx: Ctx, kind: FileKind, content: bytes) -> ReadText:
    """The text of a file, read in a process of its own; a few at once, the others wait.

    Raises:
        UnreadableError: the file cannot become text, took too much, or broke its reader.
    """
    async with ctx.runtime.local(_turns):
        return _believed(await _answer_of(kind, content))


def _turns() -> asyncio.Semaphore:
    return asyncio.Semaphore(AT_ONCE)


async def _answer_of(kind: FileKind, content: bytes) -> bytes:
    async with _started(kind) as process:
        try:
            async with asyncio.timeout(WALL_SECONDS):
                answer = await _exchange(process, content)
                code = await process.wait()
        except TimeoutError as error:
            raise _too_slow() from error
    if code == 0:
        return answer
    log.warning("a reading process died", kind=kind.value, exit_code=code, size=len(content))
    if code in {-signal.SIGXCPU, -signal.SIGALRM}:
        raise _too_slow()
    raise UnreadableError("broken", "The file broke its reader; it is damaged or was made to do harm.")


@contextlib.asynccontextmanager
async def _started(kind: FileKind) -> AsyncIterator[asyncio.subprocess.Process]:
    """The process, which is gone afterwards whatever happened; it inherits no secret of the environment."""
    environment = {
        "PYTHONPATH": str(Path(interlock.__file__).parents[1]),
        "PYTHONSAFEPATH": "1",
        "PYTHONIOENCODING": "utf-8",
        "LANG": "C.UTF-8",
    }
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            _WORKER,
            kind.value,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=environment,
            cwd=os.sep,
        )
    except OSError as error:
        log.exception("no reading process can be started")
        raise UnreadableError("unavailable", "The server could not start a reader; retry later.") from error
    try:
        yield process
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _exchange(process: asyncio.subprocess.Process, content: bytes) -> bytes:
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("the reading process was started without pipes")
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it died early; its exit code tells
        process.stdin.write(content)
        await process.stdin.drain()
    process.stdin.close()
    pieces, size = list[bytes](), 0
    while piece := await process.stdout.read(_PIECE):
        size += len(piece)
        if size > _LONGEST_ANSWER:
            raise UnreadableError("too_long", "The file's text is too long.")
        pieces.append(piece)
    return b"".join(pieces)


def _believed(answer: bytes) -> ReadText:
    try:
        if answer.startswith(b'{"error"'):
            refusal = _Answer.model_validate_json(answer).error
            raise UnreadableError(refusal.code, refusal.message)
        found = ReadText.model_validate_json(answer)
    except ValidationError as error:
        raise UnreadableError("broken", "The file made its reader talk nonsense.") from error
    if any(not start < end <= len(found.text) or end - start > LARGEST for start, end, _ in found.passages):
        raise UnreadableError("broken", "The file made its reader talk nonsense.")
    return found


def _too_slow() -> UnreadableError:
    return UnreadableError("timeout", "Reading the file took too long; split it into parts.")
