"""Templates used as a client would."""

from tests.contracts.drives import Recorder

PREFIXES = {"/api/v1/templates/{id}/instantiate": "tpl"}


async def drive(recorder: Recorder) -> None:
    """Look around, take one with other settings."""
    call = recorder.call
    found = await call("GET /api/v1/templates")
    wanted = {
        "name": "Our triage",
        "overrides": {
            "nodes": {"draft": {"config": {"model": "local:smollm2-135m-instruct", "temperature": 0.2}}},
            "budget": {"per_run_cap": 0.05, "daily_cap": 5.0},
        },
    }
    assert "tpl_ticket_triage" in {template["id"] for template in found}
    await call("POST /api/v1/templates/{id}/instantiate", wanted, id="tpl_ticket_triage")
