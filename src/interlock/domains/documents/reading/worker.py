"""The process that reads one file: `python -m interlock.domains.documents.reading.worker KIND`, bytes in, JSON out.

It imports nothing of the server, gives up what it does not need, and is expected to die of a hostile file now and then.
"""

import contextlib
import ctypes
import importlib
import json
import os
import resource
import signal
import sys
from collections.abc import Callable

from interlock.domains.documents.reading.content import LONGEST_TEXT, Content, UnreadableError
from interlock.domains.documents.reading.passages import joined, passages

READERS = {
    "pdf": ("pdf", "read"),
    "word": ("word", "read"),
    "html": ("web_page", "read"),
    "markdown": ("plain", "read_markdown"),
    "plain": ("plain", "read"),
}
MEMORY_BYTES = 1_000_000_000
PROCESSOR_SECONDS = 60
WALL_SECONDS = 200
_MOST_OPEN_FILES = 64
_NEW_NETWORK = 0x50000000  # CLONE_NEWUSER | CLONE_NEWNET
_DIE_WITH_PARENT, _NO_NEW_PRIVILEGES = 1, 38
_REFUSED = ("socket.", "subprocess.", "os.exec", "os.posix_spawn", "os.system", "os.fork", "shutil.", "ftplib.")


def main() -> None:
    """Read standard input, answer on standard output."""
    with os.fdopen(os.dup(1), "wb") as out:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # a library that prints must not spoil the answer
        module, function = READERS[sys.argv[1]]
        read = getattr(importlib.import_module(f"interlock.domains.documents.reading.{module}"), function)
        confine()
        out.write(json.dumps(answer(read, sys.stdin.buffer.read()), ensure_ascii=False).encode())


def confine() -> None:
    """Bound what this process may take, and close the ways out. Its code is loaded by now; nothing needs a file."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.prctl(_DIE_WITH_PARENT, int(signal.SIGKILL))
        libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        libc.unshare(_NEW_NETWORK)  # a network of its own that leads nowhere, where the kernel lets us have one
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_SECONDS, PROCESSOR_SECONDS + 5))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_MOST_OPEN_FILES, _MOST_OPEN_FILES))
    signal.alarm(WALL_SECONDS)  # should the server be gone, nobody else ends us
    sys.addaudithook(_refuse)


def _refuse(event: str, _arguments: tuple[object, ...]) -> None:
    if event.startswith(_REFUSED):
        raise PermissionError(f"a reader may not do this: {event}")


def answer(read: Callable[[bytes], Content], content: bytes) -> dict[str, object]:
    """The text and its passages, or why there are none."""
    try:
        with contextlib.suppress(RecursionError):
            return _read(read, content)
        raise UnreadableError("broken", "The file is nested too deeply to be read.")
    except MemoryError:
        return {"error": {"code": "too_large_unpacked", "message": "The file needs too much memory to be read."}}
    except UnreadableError as error:
        return {"error": {"code": error.code, "message": error.message}}


def _read(read: Callable[[bytes], Content], content: bytes) -> dict[str, object]:
    found = read(content)
    text, marks = joined(found.sections)
    if len(text.encode()) > LONGEST_TEXT:
        raise UnreadableError(
            "too_long", f"The document holds more than {LONGEST_TEXT // 1_000_000} MB of text; split it into parts."
        )
    if not text:
        raise UnreadableError("no_text", "The document has no text.")
    return {"text": text, "pages": found.pages, "passages": passages(text, marks)}


if __name__ == "__main__":
    main()
