"""A run's event stream as a browser reads it: from where it was, after every broken connection."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx

from tests.support.process import DIRECT, ServerProcess

PATIENCE_SECONDS = 150
ENDINGS = {"run.completed", "run.failed", "run.rejected", "run.cancelled", "run.budget_exceeded"}


def of_type(*kinds: str) -> Callable[[dict[str, Any]], bool]:
    """Whether an event is of one of these types."""
    return lambda event: event["type"] in kinds


class Events:
    """A reader of a run's event stream that reconnects with Last-Event-ID, as a browser would."""

    def __init__(self, server: ServerProcess, run_id: str) -> None:
        self.server = server
        self.url = f"/api/v1/runs/{run_id}/events"
        self.all: list[dict[str, Any]] = []

    @property
    def numbers(self) -> list[int]:
        """Sequence numbers as they came."""
        return [event["seq"] for event in self.all]

    def until(self, is_wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Read on until an event is the wanted one; one that was read before counts too."""
        for event in self.all:
            if is_wanted(event):
                return event
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                for event in self._read():
                    self.all.append(event)
                    if is_wanted(event) or event["type"] in ENDINGS:
                        assert is_wanted(event), self.all
                        return event
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError(f"the event did not come; seen: {[event['type'] for event in self.all]}")

    def _read(self) -> Iterator[dict[str, Any]]:
        last = str(self.numbers[-1]) if self.all else "0"
        headers = {"x-api-key": self.server.key, "Last-Event-ID": last}
        url = self.server.base_url + self.url
        with httpx.stream("GET", url, headers=headers, timeout=PATIENCE_SECONDS, **DIRECT) as response:
            for line in response.iter_lines():
                if line.startswith("data: "):
                    yield json.loads(line.removeprefix("data: "))
