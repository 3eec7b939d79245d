"""The AI registry and risk, as a client uses them."""

from tests.contracts.drives import Recorder

PREFIXES = {"system_id": "sys"}


async def drive(recorder: Recorder) -> None:
    """Find a system, read it, weigh it again."""
    await recorder.call("POST /api/v1/agents", {"name": "listed", "model": "scripted:nothing", "tools": ["crm"]})
    systems = await recorder.call("GET /api/v1/registry", kind="agent", risk="low", active="7")
    systems = await recorder.call("GET /api/v1/registry", kind="agent")
    system = next(found["id"] for found in systems if found["name"] == "listed")
    await recorder.call("GET /api/v1/registry/{system_id}", system_id=system)
    await recorder.call(
        "POST /api/v1/registry/{system_id}/assess",
        {"overrides": {"privacy": 80}, "reason": "Reads whole mailboxes."},
        system_id=system,
    )
