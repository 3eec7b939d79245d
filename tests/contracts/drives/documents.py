"""The knowledge base, as a client uses it."""

from tests.contracts.drives import Recorder

PREFIXES = {"document_id": "kb"}


async def drive(recorder: Recorder) -> None:
    """Hand in a text."""
    made = await recorder.call("POST /api/v1/knowledge", {"title": "Hours", "text": "Open from nine to five."})
    assert made["id"].startswith("kb_")
