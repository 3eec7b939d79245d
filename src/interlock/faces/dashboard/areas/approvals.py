"""Approvals: the inbox with identical requests together, one request with everything a reviewer needs, and answers."""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response

from interlock.domains.governance.approvals import reviewing
from interlock.domains.governance.approvals import service as approvals
from interlock.domains.governance.approvals.reviewing import Answer, ApprovalReview, DecideMany
from interlock.domains.governance.approvals.states import ApprovalStatus
from interlock.domains.governance.approvals.views import Approval, ApprovalKind
from interlock.domains.runs import service as runs
from interlock.faces.dashboard.argument_form import PREFIX, ArgumentField, fields_of, read_fields
from interlock.faces.dashboard.refusals import Problems, problems_of
from interlock.faces.dashboard.render import go, html
from interlock.faces.dashboard.routing import action, page
from interlock.faces.dashboard.visits import Visit
from interlock.faces.web.errors import STATUS
from interlock.kit.errors import InterlockError, Kind, invalid
from interlock.kit.operations import Nothing

_CODES = ("factual_error", "wrong_amount", "wrong_recipient", "not_needed", "against_policy", "suspicious")
REASONS = (("", "no code"), *((code, code.replace("_", " ")) for code in _CODES))
_PAGE = 50


async def index(visit: Visit) -> Response:
    """What waits for a person."""
    return html(
        visit, "approvals/index.html", inbox=await visit.call(reviewing.inbox, Nothing()), reasons=REASONS, told=None
    )


async def waiting(visit: Visit) -> Response:
    """The inbox by itself, when something has changed."""
    return await _inbox(visit, None)


async def decided(visit: Visit) -> Response:
    """What was decided, newest first."""
    values = {"limit": str(_PAGE), **{name: visit.query[name] for name in ("status", "offset") if name in visit.query}}
    found = await visit.call(approvals.list_, visit.command(approvals.ListApprovals, values))
    status = visit.query.get("status", "")
    return html(visit, "approvals/decided.html", found=found, chosen=status, statuses=tuple(ApprovalStatus))


async def one(visit: Visit) -> Response:
    """One request with everything a reviewer needs."""
    return await _one(visit)


async def part(visit: Visit) -> Response:
    """How one request stands, when it has changed."""
    return html(visit, "approvals/_standing.html", **await _shown(visit))


async def approve(visit: Visit) -> Response:
    """Agree to one request, as it is or as it was edited."""
    form = await visit.form()
    editing = form.get("editing", "")
    try:
        review = await _review(visit)
        values: dict[str, Any] = {"comment": form.get("comment") or None}
        if editing:
            values["edited_output"] = _edited(review, form, editing)
        done = await visit.call(approvals.approve, visit.command(approvals.Approve, values, "approval_id"))
    except InterlockError as error:
        if error.kind is not Kind.INVALID:
            raise
        return await _one(visit, problems=_placed(problems_of(error)), sent=form, status=STATUS[error.kind])
    return go(visit, f"/approvals/{done.id}", said="Approved as edited." if editing else "Approved.")


async def reject(visit: Visit) -> Response:
    """Refuse one request."""
    form = await visit.form()
    values = {"comment": form.get("comment") or None, "reason": form.get("reason") or None}
    done = await visit.call(approvals.reject, visit.command(approvals.Reject, values, "approval_id"))
    return go(visit, f"/approvals/{done.id}", said="Rejected.")


async def decide(visit: Visit) -> Response:
    """Give one answer to what was picked; identical requests come as one value, their ids with commas between."""
    lists = await visit.form_lists()
    form = await visit.form()
    picked = [value.split(",") for value in lists.get("ids", []) if value]
    if not picked:
        raise invalid("Nothing is picked.", field="ids", hint="Pick at least one request.")
    done, late = 0, 0
    for ids in picked:
        values = {
            "approval_ids": ids,
            "answer": form.get("answer", ""),
            "comment": form.get("comment") or None,
            "reason": form.get("reason") or None,
        }
        told = await visit.call(reviewing.decide_many, visit.command(DecideMany, values))
        done += told.done
        late += len(told.decided) - told.done
    word = "approved" if form.get("answer") == Answer.APPROVE else "rejected"
    said = f"{done} {word}." if done != 1 else f"{word.capitalize()}."
    if late:
        said += f" {late} had been decided before, or had run out of time."
    return await _inbox(visit, said) if visit.is_htmx else go(visit, "/approvals", said=said)


def _placed(problems: Problems) -> Problems:
    """The same, under the names of the form's controls."""
    fields = {
        "edited" if name == "edited_output" else name.replace("edited_output.", PREFIX, 1): text
        for name, text in problems.fields.items()
    }
    return Problems(fields, problems.notice)


async def _inbox(visit: Visit, said: str | None) -> Response:
    inbox = await visit.call(reviewing.inbox, Nothing())
    return html(visit, "approvals/_inbox.html", inbox=inbox, reasons=REASONS, told=said)


async def _review(visit: Visit) -> ApprovalReview:
    return await visit.call(reviewing.review, visit.command(approvals.ApprovalRef, {}, "approval_id"))


async def _shown(visit: Visit) -> dict[str, Any]:
    review = await _review(visit)
    return {"review": review, "approval": review.approval, "run": await _run(visit, review.approval)}


async def _one(
    visit: Visit, *, problems: Problems | None = None, sent: Mapping[str, str] | None = None, status: int = 200
) -> Response:
    shown = await _shown(visit)
    review: ApprovalReview = shown["review"]
    under = _under_review(review.approval)
    editing = (sent or visit.query).get("editing", "")
    fields: tuple[ArgumentField, ...] = ()
    if review.approval.kind is ApprovalKind.TOOL_CALL:
        fields = fields_of(review.args_schema, review.approval.arguments, review.masked_fields, sent)
    return html(
        visit,
        "approvals/one.html",
        status=status,
        **shown,
        reasons=REASONS,
        fields=fields,
        editing=editing or ("fields" if fields else "json"),
        is_editing=bool(editing),
        json_text=(sent or {}).get("edited") or orjson.dumps(under, option=orjson.OPT_INDENT_2).decode(),
        comment=(sent or {}).get("comment", ""),
        problems=problems,
    )


def _under_review(approval: Approval) -> Any:
    """What an edit would stand in for."""
    if approval.kind is ApprovalKind.WORKFLOW_GATE:
        return approval.arguments.get("review")
    return approval.arguments


def _edited(review: ApprovalReview, form: Mapping[str, str], editing: str) -> Any:
    if editing == "fields":
        return read_fields(review.args_schema, review.approval.arguments, form)
    try:
        value = orjson.loads(form.get("edited", ""))
    except orjson.JSONDecodeError as error:
        raise invalid(f"This is not JSON: {error}.", field="edited_output") from error
    if value is None:
        raise invalid("null stands for no edit.", field="edited_output", hint="Approve it as it is instead.")
    return value


async def _run(visit: Visit, approval: Approval) -> Any:
    """The run that waits; None where there is none, or none any more."""
    if approval.run_id is None:
        return None
    try:
        return await visit.call(runs.get, runs.RunRef(run_id=approval.run_id))
    except InterlockError as error:
        if error.kind is not Kind.NOT_FOUND:
            raise
        return None


ROUTES = (
    page("/approvals", index),
    page("/approvals/waiting", waiting),
    page("/approvals/decided", decided),
    action("/approvals/decide", decide),
    page("/approvals/{approval_id}", one),
    page("/approvals/{approval_id}/standing", part),
    action("/approvals/{approval_id}/approve", approve),
    action("/approvals/{approval_id}/reject", reject),
)
