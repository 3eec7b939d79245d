"""The list of forms, and the builder of one: questions that come, go and move, beside the page they make."""

from typing import Any

from starlette.responses import Response

from interlock.domains.forms.service import definition as forms
from interlock.domains.forms.states import LIFECYCLE, FieldType, FormStatus
from interlock.domains.forms.views import Form, FormId, FormPage
from interlock.domains.tables import service as tables
from interlock.domains.workflows import service as workflows
from interlock.faces.dashboard.drafts import Row, changed, lines, rows_of
from interlock.faces.dashboard.refusals import Problems, problems_of
from interlock.faces.dashboard.render import go, html
from interlock.faces.dashboard.routing import action, page
from interlock.faces.dashboard.visits import Visit
from interlock.faces.web.form_page.render import Filled, content_policy, form_page, refusal_page
from interlock.kit.errors import InterlockError
from interlock.kit.paging import MAXIMUM_LIMIT, PageQuery

_LISTED = 50
NAMES = ("name", "type", "label", "required", "options", "placeholder", "help", "max_length")
_FRESH: Row = dict.fromkeys(NAMES, "") | {"type": FieldType.TEXT.value}
_FIRST: list[Row] = [
    {**_FRESH, "name": "name", "label": "Your name", "required": "true"},
    {**_FRESH, "name": "email", "label": "E-mail", "type": FieldType.EMAIL.value, "required": "true"},
]
_PLAIN = ("name", "slug", "description", "thanks", "linked_table", "trigger_workflow", "status", "embed_origins")
_KINDS = [
    (FieldType.TEXT.value, "one line of text"),
    (FieldType.TEXTAREA.value, "several lines"),
    (FieldType.EMAIL.value, "e-mail address"),
    (FieldType.NUMBER.value, "number"),
    (FieldType.DATE.value, "day"),
    (FieldType.SELECT.value, "one of several choices"),
    (FieldType.BOOLEAN.value, "yes or no"),
    (FieldType.CHECKBOX.value, "box to tick"),
]
_BOUNDED = {FieldType.TEXT, FieldType.TEXTAREA, FieldType.EMAIL}
_WITHOUT_PLACEHOLDER = {FieldType.BOOLEAN, FieldType.CHECKBOX, FieldType.DATE}


async def listed(visit: Visit) -> Response:
    """Every form."""
    return html(visit, "forms/list.html", **await _forms(visit))


async def part(visit: Visit) -> Response:
    """The list alone."""
    return html(visit, "forms/_list.html", **await _forms(visit))


async def _forms(visit: Visit) -> dict[str, Any]:
    wanted = {"limit": _LISTED, "offset": visit.query.get("offset", 0)}
    return {"page": await visit.call(forms.list_, visit.command(forms.ListForms, wanted))}


async def new(visit: Visit) -> Response:
    """The builder for a new form."""
    values = {**dict.fromkeys(_PLAIN, ""), "status": FormStatus.DRAFT.value}
    return await _builder(visit, None, values, _FIRST)


async def shown(visit: Visit) -> Response:
    """The builder for a form that is there."""
    form = await visit.call(forms.get, visit.command(forms.FormRef, {}, "form_id"))
    return await _builder(visit, form, _values_of(form), [_row_of(field.model_dump()) for field in form.fields])


def _values_of(form: Form) -> dict[str, str]:
    return {
        "name": form.name,
        "slug": form.slug,
        "description": form.description or "",
        "thanks": form.thanks or "",
        "linked_table": str(form.linked_table or ""),
        "trigger_workflow": str(form.trigger_workflow or ""),
        "status": form.status.value,
        "embed_origins": "\n".join(form.embed_origins),
    }


def _row_of(field: dict[str, Any]) -> Row:
    row = {name: "" if field[name] in (None, False) else str(field[name]) for name in NAMES if name != "options"}
    return {
        **row,
        "type": FieldType(field["type"]).value,
        "options": "\n".join(field["options"]),
        "required": "true" if field["required"] else "",
    }


async def draft(visit: Visit) -> Response:
    """The builder after a question was added, moved or taken away; nothing is stored yet."""
    sent = await visit.form_lists()
    rows = changed(rows_of(sent, NAMES, "field"), sent.get("do", [""])[-1], _FRESH)
    form_id = sent.get("form_id", [""])[-1]
    form = None
    if form_id:
        form = await visit.call(forms.get, visit.command(forms.FormRef, {"form_id": form_id}))
    return await _builder(visit, form, _plain(sent), rows, template="_fields" if visit.is_htmx else "builder")


def _plain(sent: dict[str, list[str]]) -> dict[str, str]:
    return {name: sent.get(name, [""])[-1] for name in _PLAIN}


async def _builder(
    visit: Visit,
    form: Form | None,
    values: dict[str, str],
    rows: list[Row],
    problems: Problems | None = None,
    template: str = "builder",
) -> Response:
    facts = {"form": form, "values": values, "rows": rows, "kinds": _KINDS, "statuses": _statuses(form)}
    base = visit.ctx.settings.base_url.rstrip("/")
    return html(
        visit,
        f"forms/{template}.html",
        status=422 if problems else 200,
        problems=problems or Problems(),
        wrong=_wrong(problems),
        base=base,
        **facts,
        **({} if template == "_fields" else await _links(visit)),
    )


def _wrong(problems: Problems | None) -> dict[int, str]:
    """What is wrong with which question, by its place."""
    found: dict[int, str] = {}
    for name, text in (problems.fields if problems else {}).items():
        parts = name.split(".")
        if parts[0] == "fields" and len(parts) > 1 and parts[1].isdecimal():
            what = f"{parts[2]}: " if len(parts) > 2 else ""
            found.setdefault(int(parts[1]), f"{what}{text}")
    return found


def _statuses(form: Form | None) -> list[tuple[str, str]]:
    words = {"draft": "draft, not there for the public", "published": "published", "paused": "paused"}
    reachable = [
        status
        for status in FormStatus
        if (form is None and status is not FormStatus.PAUSED)
        or (form is not None and (status is form.status or form.status in LIFECYCLE.sources(status)))
    ]
    return [(status.value, words[status.value]) for status in reachable]


async def _links(visit: Visit) -> dict[str, Any]:
    """The tables and workflows a form may be bound to, as far as the person may use them."""
    found: dict[str, Any] = {"tables": [("", "no table")], "workflows": [("", "no workflow")]}
    if visit.may("tables"):
        rows = await visit.call(tables.list_, PageQuery(limit=MAXIMUM_LIMIT))
        found["tables"] += [(str(each.id), each.name) for each in rows.items]
    if visit.may("workflows"):
        flows = await visit.call(workflows.list_, workflows.ListWorkflows(limit=MAXIMUM_LIMIT))
        found["workflows"] += [(str(each.id), each.name) for each in flows.items]
    return found


def _command(sent: dict[str, list[str]]) -> dict[str, Any]:
    """The builder's fields as the operations take them."""
    values = _plain(sent)
    return {
        **{name: values[name] or None for name in ("description", "thanks", "linked_table", "trigger_workflow")},
        "name": values["name"],
        "slug": values["slug"].strip(),
        "status": values["status"] or FormStatus.DRAFT.value,
        "embed_origins": lines(values["embed_origins"]),
        "fields": [_field(row) for row in rows_of(sent, NAMES, "field")],
    }


def _field(row: Row) -> dict[str, Any]:
    """A question as the operation takes it: only what belongs to its type."""
    values: dict[str, Any] = {
        "name": row["name"].strip(),
        "type": row["type"],
        "label": row["label"].strip() or None,
        "required": row["required"] == "true",
        "help": row["help"].strip() or None,
    }
    if row["type"] == FieldType.SELECT:
        values["options"] = lines(row["options"])
    if row["type"] in _BOUNDED:
        values["max_length"] = row["max_length"].strip() or None
    if row["type"] not in _WITHOUT_PLACEHOLDER:
        values["placeholder"] = row["placeholder"].strip() or None
    return values


async def create(visit: Visit) -> Response:
    """Create a form."""
    sent = await visit.form_lists()
    try:
        made = await visit.call(forms.create, visit.command(forms.CreateForm, _command(sent)))
    except InterlockError as error:
        return await _builder(visit, None, _plain(sent), rows_of(sent, NAMES, "field"), problems_of(error))
    return go(visit, f"/forms/{made.id}", said=f"{made.name} is made.")


async def change(visit: Visit) -> Response:
    """Change a form."""
    sent = await visit.form_lists()
    form = await visit.call(forms.get, visit.command(forms.FormRef, {}, "form_id"))
    try:
        await visit.call(forms.update, visit.command(forms.UpdateForm, _command(sent), "form_id"))
    except InterlockError as error:
        return await _builder(visit, form, _plain(sent), rows_of(sent, NAMES, "field"), problems_of(error))
    return go(visit, f"/forms/{form.id}", said="Saved.")


async def preview(visit: Visit) -> Response:
    """The page as the public would see it, made of what stands in the builder; it goes into a frame without rights."""
    sent = await visit.form_lists()
    values = _command(sent)
    try:
        shown_form = visit.command(
            forms.CreateForm, {**values, "name": values["name"] or "Untitled form", "slug": values["slug"] or "preview"}
        )
        facts = shown_form.model_dump(include={"name", "slug", "description", "thanks", "fields", "embed_origins"})
        text = form_page(FormPage(id=FormId.new(), token="", **facts), Filled())
    except InterlockError as error:
        problems = problems_of(error)
        words = problems.notice or "; ".join(f"{name}: {problem}" for name, problem in problems.fields.items())
        text = refusal_page("Not complete yet", words)
    policy = content_policy(["'self'"]).replace("form-action 'self'", "form-action 'none'")
    headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return Response(text, headers=headers, media_type="text/html")


async def delete(visit: Visit) -> Response:
    """Delete a form with what was sent to it."""
    await visit.call(forms.delete, visit.command(forms.FormRef, {}, "form_id"))
    return go(visit, "/forms", said="The form and what was sent to it are gone.")


ROUTES = (
    page("/forms", listed),
    page("/forms/_list", part),
    page("/forms/new", new),
    action("/forms/new", create),
    action("/forms/_draft", draft),
    action("/forms/_preview", preview),
    page("/forms/{form_id}", shown),
    action("/forms/{form_id}", change),
    action("/forms/{form_id}/delete", delete),
)
