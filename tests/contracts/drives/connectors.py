"""The integrations directory as a client reads it; accounts are connected by then."""

from tests.contracts.drives import Recorder


async def drive(recorder: Recorder) -> None:
    """Read all of it, then a part."""
    whole = await recorder.call("GET /api/v1/integrations")
    assert whole["available"] + whole["coming_soon"] == whole["total"] == len(whole["integrations"])
    assert whole["connected"] == sum(found["connected"] for found in whole["integrations"]) > 0
    part = await recorder.call("GET /api/v1/integrations", connected="true", category="Communication", q="slack")
    assert [found["id"] for found in part["integrations"]] == ["int_slack"]
