"""Forms in the dashboard: a builder that needs no script, a preview of the real page, and what was sent in."""

import re

from tests.faces.dashboard.conftest import Person, signed_in
from tests.support.app import Server

SENT = {
    "name": "Contact", "slug": "contact-us", "description": "", "thanks": "", "status": "published", "linked_table": "",
    "trigger_workflow": "", "embed_origins": "https://example.com\n", "field_name": ["name", "topic"],
    "field_type": ["text", "select"], "field_label": ["Your name", ""], "field_required": ["true", ""],
    "field_options": ["", "sales\nsupport"], "field_placeholder": ["", ""], "field_help": ["", ""],
    "field_max_length": ["80", "80"],
}  # fmt: skip


async def test_a_form_is_built_previewed_published_and_changed(owner: Person) -> None:
    assert "No form yet" in (await owner.get("/forms")).text
    assert (await owner.get("/forms/new")).status_code == 200
    draft = await owner.post("/forms/_draft", {**SENT, "do": "down-0"})
    assert draft.text.index('value="topic"') < draft.text.index('value="name" ')
    assert len(re.findall("<legend>", (await owner.post("/forms/_draft", {**SENT, "do": "add"}, htmx=True)).text)) == 3
    seen = await owner.post("/forms/_preview", SENT)
    assert "<h1>Contact</h1>" in seen.text
    assert "form-action 'none'" in seen.headers["content-security-policy"]
    assert "frame-ancestors 'self'" in seen.headers["content-security-policy"]
    assert seen.headers.get("x-frame-options") is None
    assert "<h1>Untitled form</h1>" in (await owner.post("/forms/_preview", {**SENT, "name": ""})).text
    assert "Not complete yet" in (await owner.post("/forms/_preview", {**SENT, "field_name": ["", "topic"]})).text
    made = await owner.post("/forms/new", SENT)
    where = made.headers["location"]
    page = (await owner.get(where)).text
    assert "https://example.com" in page
    assert "&lt;iframe" in page
    public = await owner.server.http.get("/f/contact-us")
    assert "Your name" in public.text
    assert (await owner.post(where, {**SENT, "status": "paused", "field_label": ["Name", ""]})).status_code == 303
    assert (await owner.server.http.get("/f/contact-us")).status_code == 404
    assert (await owner.post(f"{where}/delete")).headers["location"] == "/forms"


async def test_what_is_wrong_stands_at_its_question(owner: Person) -> None:
    answer = await owner.post("/forms/new", {**SENT, "field_options": ["", ""], "slug": "Not A Slug"})
    assert answer.status_code == 422
    assert "Not A Slug" in answer.text
    assert 'aria-invalid="true"' in answer.text
    answer = await owner.post("/forms/new", {**SENT, "field_options": ["", ""]})
    assert answer.status_code == 422
    assert "needs options" in answer.text
    answer = await owner.post("/forms/new", {**SENT, "field_max_length": ["many", ""]})
    assert answer.status_code == 422
    assert "max_length" in answer.text


async def test_submissions_are_shown_retried_exported_and_deleted(owner: Person, server: Server) -> None:
    table = await owner.call("tables.create", {"name": "T", "columns": [{"name": "age", "type": "number"}]})
    fields = [{"name": "age", "type": "text"}]
    form = await owner.call(
        "forms.create", {"name": "Ages", "slug": "ages", "fields": fields, "linked_table": table.id}
    )
    for age in ("old", "36"):
        await server.post(f"/api/v1/forms/{form.id}/submit", {"data": {"age": age}})
    where = f"/forms/{form.id}/submissions"
    page = (await owner.get(where)).text
    assert "No row was added" in page
    failed = re.search(rf"{where}/(sub_\w+)/retry", page)
    assert failed is not None
    assert (await owner.post(f"{where}/{failed[1]}/retry")).status_code == 303
    exported = await owner.get(f"{where}/export")
    assert exported.headers["content-type"].startswith("text/csv")
    assert "36" in exported.text
    assert (await owner.post(f"{where}/{failed[1]}/delete")).status_code == 303
    assert failed[1] not in (await owner.get(where)).text
    assert "None of these" in (await owner.get(f"{where}?status=spam")).text
    stranger = await signed_in(server, email="stranger@example.com", key=(await server.another_workspace()))
    for path in (f"/forms/{form.id}", where, f"{where}/export"):
        assert (await stranger.get(path)).status_code == 404
