"""`kill -9` while a document is read, then a restart: it is read to the end, once."""

import time
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest

from tests.support.process import ServerProcess, serving

pytestmark = pytest.mark.journey

PATIENCE_SECONDS = 150
TEXT = "".join(f"# Part {part}\n\n" + f"Sentence {part} about turbines. " * 32 + "\n\n" for part in range(400))


async def test_a_killed_server_reads_on(tmp_path: Path, database_url: str | None) -> None:
    """Killed right after the upload, and again once its reading has begun."""

    def story() -> None:
        with serving(tmp_path / "data", database_url) as server:
            made = server.request("POST", "/api/v1/knowledge", {"text": TEXT, "mime_type": "text/markdown"}).json()
            server.kill()
            server.start()
            _until(server, made["id"], {"extracting", "ready"})
            server.kill()
            server.start()
            ready = _until(server, made["id"], {"ready", "failed"})
            assert (ready["status"], ready["chunk_count"]) == ("ready", 400)
            found = server.request("POST", "/api/v1/knowledge/search", {"query": "Part 399", "top_k": 50}).json()
            places = [passage["locator"] for passage in found]
            assert "Part 399" in places
            assert len(set(places)) == len(places)

    await anyio.to_thread.run_sync(story)


def _until(server: ServerProcess, document: str, statuses: set[str]) -> dict[str, Any]:
    """The document, once it is in one of these states."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found: dict[str, Any] = server.request("GET", f"/api/v1/knowledge/{document}").json()
        if found["status"] in statuses:
            return found
        time.sleep(0.02)
    raise AssertionError(f"the document never became {sorted(statuses)}:\n{server.log()[-4000:]}")
