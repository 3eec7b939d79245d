"""Forms as a client uses them; the page itself is HTML, and its own tests hold it to the contract."""

from tests.contracts.drives import Recorder
from tests.support.story import finished

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
    nodes = [{"id": "start", "kind": "trigger"}]
    workflow = (await call("POST /api/v1/workflows", {"name": "Greet", "nodes": nodes}))["id"]
    await call("PATCH /api/v1/workflows/{workflow_id}", {"status": "published"}, workflow_id=workflow)
    contact = {"name": "Contact", "slug": "contact-us", "fields": FIELDS, "trigger_workflow": workflow}
    form = await call("POST /api/v1/forms", contact)
    assert form["public_url"].endswith("/f/contact-us")
    answers = {"data": {"email": "ada@example.com", "plan": "pro"}}
    sent = await call("POST /api/v1/forms/{id}/submit", answers, headers={"accept": "*/*"}, id=form["id"])
    assert sent["form_id"] == form["id"]
    assert sent["workflow_run_id"]
    await finished(recorder.server, sent["workflow_run_id"])
    await call("DELETE /api/v1/workflows/{workflow_id}", workflow_id=workflow)
    (row,) = await call("GET /api/v1/forms")
    assert row["submission_count"] == 1
