"""What people do in the chat: begin, say, stop, ask again, pin, archive, delete, decide about a held call."""

from typing import Any

from starlette.responses import Response

from interlock.domains.chats import service as chats
from interlock.domains.conversations import service as conversations
from interlock.domains.documents import service as documents
from interlock.domains.documents.views import DocumentId
from interlock.domains.governance.approvals import service as approvals
from interlock.faces.dashboard.areas.chat.showing import start_page, talk_part, work_part
from interlock.faces.dashboard.refusals import problems_of
from interlock.faces.dashboard.render import go
from interlock.faces.dashboard.visits import CSRF_FIELD, Visit
from interlock.faces.web.errors import STATUS
from interlock.faces.web.multipart import UploadedFile, is_form, received_form
from interlock.kit.errors import InterlockError, invalid

_MOST_FILES = 10
_FILES_AT_ONCE = 2
_TITLE_LENGTH = 300


async def open_(visit: Visit) -> Response:
    """Begin a conversation, with its first message where one was typed."""
    sent = await visit.form_lists()
    partner, text = sent.get("partner", [""])[-1], sent.get("text", [""])[-1]
    knowledge = [key for key in sent.get("knowledge", []) if key]
    kind, _, name = partner.partition(":")
    try:
        if kind not in {"agent", "model"} or not name:
            raise invalid("Choose an agent or a model.", field="partner")
        whom = {"agent_id": name} if kind == "agent" else {"model": name}
        chat = await visit.call(chats.open_, visit.command(chats.OpenChat, {**whom, "knowledge": knowledge}))
        if text.strip():
            await visit.call(chats.say, visit.command(chats.SayInChat, {"conversation_id": str(chat.id), "text": text}))
    except InterlockError as error:
        problems = problems_of(error)
        typed = {"partner": partner, "text": text, "knowledge": knowledge}
        return await start_page(visit, problems=problems, status=STATUS[error.kind], **typed)
    return go(visit, f"/chat/{chat.id}")


async def say(visit: Visit) -> Response:
    """Say something, with files that come with it."""
    if not is_form(visit.request):
        text, attached = (await visit.form()).get("text", ""), []
    else:
        limit = visit.ctx.settings.max_upload_bytes
        async with received_form(
            visit.request, file_limit=limit, total_limit=_FILES_AT_ONCE * limit, most_files=_MOST_FILES
        ) as form:
            unknown = set(form.fields) - {"text", CSRF_FIELD}
            if unknown:
                raise invalid(f"'{min(unknown)[:100]}' is not a field of this form.", field="text")
            text = form.fields.get("text", "").replace("\r\n", "\n")
            visit.command(chats.SayInChat, {"text": text}, "conversation_id")  # before files are kept
            files = [file for file in form.files if file.filename or file.size]
            attached = [await _uploaded(visit, file) for file in files]
    values = {"text": text, "attachments": [str(key) for key in attached]}
    await visit.call(chats.say, visit.command(chats.SayInChat, values, "conversation_id"))
    return await _shown(visit)


async def _uploaded(visit: Visit, file: UploadedFile) -> DocumentId:
    if file.is_too_large:
        raise invalid(
            f"'{file.filename}' is larger than {visit.ctx.settings.max_upload_bytes:,} bytes.", field="attachments"
        )
    values: dict[str, Any] = {"filename": file.filename or None, "mime_type": file.claimed_type[:200] or None}
    command = documents.UploadDocument(content=file.file.read(), **values)
    return (await visit.call(documents.upload, command)).id


async def stop(visit: Visit) -> Response:
    """Stop the answer."""
    await visit.call(chats.stop, _chat(visit))
    return await _shown(visit)


async def regenerate(visit: Visit) -> Response:
    """Have another answer given."""
    await visit.call(chats.regenerate, _chat(visit))
    return await _shown(visit)


async def change(visit: Visit) -> Response:
    """Rename, pin or archive a conversation."""
    sent = await visit.form()
    values: dict[str, Any] = {name: sent[name] == "true" for name in ("pinned", "archived") if name in sent}
    if "title" in sent:
        values["title"] = sent["title"].strip()[:_TITLE_LENGTH] or None
    key = str(_chat(visit).conversation_id)
    await visit.call(conversations.update, visit.command(conversations.UpdateConversation, values, "conversation_id"))
    return go(visit, f"/chat/{key}" if not values.get("archived") else "/chat", said=_said(values))


def _said(values: dict[str, Any]) -> str:
    if "title" in values:
        return "Renamed."
    if "pinned" in values:
        return "Pinned." if values["pinned"] else "No longer pinned."
    return "Archived." if values.get("archived") else "Back among the conversations."


async def delete(visit: Visit) -> Response:
    """Delete a conversation."""
    await visit.call(chats.delete, _chat(visit))
    return go(visit, "/chat", said="The conversation was deleted.")


async def decide(visit: Visit) -> Response:
    """Let a held call go on, or refuse it, where it is shown."""
    sent = await visit.form()
    comment = {"comment": sent["comment"]} if sent.get("comment", "").strip() else {}
    if sent.get("decision") == "approve":
        await visit.call(approvals.approve, visit.command(approvals.Approve, comment, "approval_id"))
    elif sent.get("decision") == "reject":
        await visit.call(approvals.reject, visit.command(approvals.Reject, comment, "approval_id"))
    else:
        raise invalid("Approve or reject.", field="decision")
    if visit.is_htmx:
        return await work_part(visit)
    return go(visit, sent["back"] if sent.get("back", "").startswith("/chat/") else "/chat")


def _chat(visit: Visit) -> chats.ChatRef:
    return visit.command(chats.ChatRef, {}, "conversation_id")


async def _shown(visit: Visit) -> Response:
    """The messages as they now stand; without script, the page again."""
    if visit.is_htmx:
        return await talk_part(visit)
    return go(visit, f"/chat/{_chat(visit).conversation_id}")
