"""Forms as a client uses them; the page itself is HTML, and its own tests hold it to the contract."""

from tests.contracts.drives import Recorder

PREFIXES = {"/api/v1/forms/{id}/submit": "frm"}
BY_HAND = frozenset({"GET /f/{slug}"})
FIELDS = [
    {"name": "email", "type": "text", "required": True},
    {"name": "plan", "type": "select", "options": ["free", "pro"]},
    {"name": "message", "type": "textarea"},
]


async def drive(recorder: Recorder) -> None:
    """Define a form, and send it in without a credential."""
    call = recorder.call
    form = await call("POST /api/v1/forms", {"name": "Contact", "slug": "contact-us", "fields": FIELDS})
    assert form["public_url"].endswith("/f/contact-us")
    answers = {"data": {"email": "ada@example.com", "plan": "pro"}}
    sent = await call("POST /api/v1/forms/{id}/submit", answers, headers={"accept": "*/*"}, id=form["id"])
    assert sent["form_id"] == form["id"]
    (row,) = await call("GET /api/v1/forms")
    assert row["submission_count"] == 1
