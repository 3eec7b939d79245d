"""The refund desk's agent and accounts, and how tests wait for a run: by its events, never by sleeping."""

import asyncio
import json
from pathlib import Path
from typing import Any

from tests.support.app import Server

CHARGE = "ch_3QNw7x2eZvKYlo2C1kTz8uPq"
PATIENCE_SECONDS = 60
REFUND_DESK: dict[str, Any] = {
    "name": "refund desk",
    "model": "scripted:refund-desk/conversation",
    "system_prompt": "You handle refunds.",
    "tools": ["crm.create_contact", "payments.create_refund", "comms.send_email", "comms.send_slack_message"],
    "max_iterations": 10,
    "budget_per_run": 1.0,
}
CREDENTIALS = (
    ("int_slack", "slack", {"token": "xoxb-1111-2222-sandbox"}),
    ("int_gmail", "gmail", {"access_token": "ya29.sandbox"}),
    ("int_hubspot", "hubspot", {"token": "pat-na1-sandbox"}),
    ("int_stripe", "stripe", {"secret_key": "sk_test_sandbox"}),
)
_ENDED = {"completed", "failed", "cancelled", "budget_exceeded"}


async def pending_approval(server: Server, run_id: str) -> dict[str, Any]:
    """The approval a run waits for."""
    await _until(server, run_id, {"tool.held"})
    (approval,) = (await server.get("/api/v1/approvals", status="pending")).json()
    return dict(approval)


async def finished(server: Server, run_id: str) -> dict[str, Any]:
    """The run in full, once it has ended."""
    await _until(server, run_id, {f"run.{status}" for status in _ENDED})
    run: dict[str, Any] = (await server.get(f"/api/v1/runs/{run_id}")).json()
    return run


async def _until(server: Server, run_id: str, kinds: set[str]) -> None:
    ctx = await server.ctx()
    async with asyncio.timeout(PATIENCE_SECONDS):
        async for event in server.runtime.streams.follow(ctx, f"run:{run_id}", 0):
            if event is not None and (event.type in kinds or event.type.removeprefix("run.") in _ENDED):
                return


def write_script(data_dir: Path, name: str, *texts: str) -> str:
    """A conversation file with these answers, one after the other; returns the name of its model."""
    folder = data_dir / "scripts"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps({"label": name, "turns": [{"text": text} for text in texts]}))
    return f"scripted:{name}"
