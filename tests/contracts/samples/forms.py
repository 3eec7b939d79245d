"""Samples of forms."""

from typing import Any

from interlock.kit.ids import TypedId
from tests.contracts.world import Build, Sample, World, nothing, reference, unique

FIELDS: list[dict[str, Any]] = [
    {"name": "email", "type": "email", "required": True},
    {"name": "message", "type": "textarea", "label": "Your message"},
]
ANSWERS = {"email": "ada@example.com", "message": "Hello."}


async def _create(_world: World) -> Sample:
    return Sample({"name": "Contact", "slug": unique("contact"), "fields": FIELDS})


async def _update(world: World) -> Sample:
    return Sample({"form_id": await world.made("forms.create"), "status": "paused", "description": "Soon back."})


async def _submit(world: World) -> Sample:
    return Sample({"form_id": await world.made("forms.create"), "data": ANSWERS})


async def _submission(world: World) -> Sample:
    submission = await world.run("forms.submit")
    return Sample({"form_id": submission.form_id, "submission_id": submission.id})


async def _open_page(world: World) -> Sample:
    return Sample({"slug": (await world.run("forms.create")).slug})


async def _page(world: World, trap: str) -> dict[str, Any]:
    page = await world.run("forms.open_page")
    return {"slug": page.slug, "token": page.token, "answers": ANSWERS, "trap": trap}


async def _send_page(world: World) -> Sample:
    return Sample(await _page(world, ""))


async def _held_as_spam(world: World) -> Sample:
    spam = await world.call("forms.send_page", await _page(world, "https://cheap.example"))
    assert isinstance(spam.id, TypedId)
    return Sample({"form_id": spam.form_id, "submission_id": spam.id})


SAMPLES: dict[str, Build] = {
    "forms.create": _create,
    "forms.delete": reference("form_id", "forms.create"),
    "forms.delete_submission": _submission,
    "forms.export_submissions": reference("form_id", "forms.create"),
    "forms.get": reference("form_id", "forms.create"),
    "forms.get_submission": _submission,
    "forms.list": nothing,
    "forms.list_submissions": reference("form_id", "forms.create"),
    "forms.open_page": _open_page,
    "forms.retry_submission": _held_as_spam,
    "forms.send_page": _send_page,
    "forms.submit": _submit,
    "forms.update": _update,
}
BY_HAND = {
    "forms.export_submissions": ("GET", "/api/v1/forms/{form_id}/export"),
    "forms.open_page": ("GET", "/f/{slug}"),
    "forms.send_page": ("POST", "/f/{slug}"),
}
STREAMS = {"forms.export_submissions": "SubmissionExport"}
PUBLIC = frozenset({"forms.open_page", "forms.send_page", "forms.submit"})
