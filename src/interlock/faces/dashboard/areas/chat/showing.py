"""What the pages of the chat show."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from interlock.domains.agents import service as agents
from interlock.domains.agents.states import AgentStatus
from interlock.domains.chats import service as chats
from interlock.domains.chats.views import ChatThread, ChatTurn
from interlock.domains.conversations.views import Message
from interlock.domains.documents import service as documents
from interlock.domains.documents.states import DocumentStatus
from interlock.domains.governance.approvals import service as approvals
from interlock.domains.governance.approvals.states import ApprovalStatus
from interlock.domains.governance.approvals.views import Approval
from interlock.domains.governance.policies import service as policies
from interlock.domains.governance.policies.views import PolicyId
from interlock.domains.llm import service as llm
from interlock.domains.tools import service as tools
from interlock.domains.tools.states import CallState
from interlock.domains.tools.views import ToolCall
from interlock.faces.dashboard.markdown import rendered
from interlock.faces.dashboard.refusals import Problems
from interlock.faces.dashboard.render import html
from interlock.faces.dashboard.visits import Visit
from interlock.kit.errors import InterlockError, Kind
from interlock.kit.operations import Nothing
from interlock.kit.paging import MAXIMUM_LIMIT

_SHOWN = 30
_VERDICTS = {
    CallState.HELD: "held",
    CallState.EXECUTING: "authorized",
    CallState.DONE: "authorized",
    CallState.FAILED: "authorized",
    CallState.DENIED: "denied",
}


@dataclass(frozen=True, slots=True)
class Card:
    """A tool call of an answer: its verdict, the policy behind it, and the gate where it waits for a person."""

    call: ToolCall
    verdict: str
    policy: str | None
    approval: Approval | None


async def start(visit: Visit) -> Response:
    """Earlier conversations, and the beginning of a new one."""
    return await start_page(visit)


async def start_page(visit: Visit, *, problems: Problems | None = None, status: int = 200, **given: Any) -> Response:
    """The first page, with what was typed where it was refused."""
    active = agents.ListAgents(status=AgentStatus.ACTIVE, limit=MAXIMUM_LIMIT)
    models = [model for model in await visit.call(llm.models, Nothing()) if not model.embeds]
    ready: Sequence[Any] = ()
    if visit.may("chatbots"):
        wanted = documents.ListDocuments(status=DocumentStatus.READY, limit=MAXIMUM_LIMIT)
        ready = (await visit.call(documents.list_, wanted)).items
    values = {
        "agents": (await visit.call(agents.list_, active)).items,
        "models": models,
        "documents": ready,
        "partner": given.get("partner") or visit.query.get("with", ""),
        "text": given.get("text", ""),
        "chosen": given.get("knowledge", ()),
        "problems": problems or Problems(),
    }
    return html(visit, "chat/start.html", status=status, **await _list(visit), **values)


async def listed(visit: Visit) -> Response:
    """The list of conversations."""
    return html(visit, "chat/_list.html", **await _list(visit))


async def thread(visit: Visit) -> Response:
    """One conversation."""
    values = await _talk(visit)
    return html(visit, "chat/thread.html", **await _list(visit, values["chat"].id), **values)


async def talk(visit: Visit) -> Response:
    """The messages of a conversation."""
    return await talk_part(visit)


async def talk_part(visit: Visit) -> Response:
    """The messages as they stand, in place of the ones on the page."""
    return html(visit, "chat/_talk.html", **await _talk(visit))


async def work(visit: Visit) -> Response:
    """The tool calls of an answer."""
    return await work_part(visit)


async def work_part(visit: Visit) -> Response:
    """The tool calls as they stand."""
    run_id = visit.command(chats.TurnRef, {}, "run_id").run_id
    made = await visit.call(tools.list_calls, tools.ListCalls(run_id=run_id, limit=MAXIMUM_LIMIT))
    gates: dict[str, Approval] = {}
    if visit.may("workflows") and any(call.state is CallState.HELD for call in made.items):
        pending = approvals.ListApprovals(status=ApprovalStatus.PENDING, run_id=run_id, limit=MAXIMUM_LIMIT)
        gates = {gate.subject: gate for gate in (await visit.call(approvals.list_, pending)).items}
    names = await _policy_names(visit, {call.policy_id for call in made.items if call.policy_id is not None})
    cards = [
        Card(
            call,
            _VERDICTS[call.state],
            None if call.policy_id is None else names.get(call.policy_id, "a policy that is gone"),
            gates.get(str(call.id)),
        )
        for call in reversed(made.items)
    ]
    return html(visit, "chat/_work.html", run_id=run_id, cards=cards)


async def _policy_names(visit: Visit, keys: set[PolicyId]) -> dict[PolicyId, str]:
    names = {}
    for key in keys:
        try:
            names[key] = (await visit.call(policies.get, policies.PolicyRef(policy_id=key))).name
        except InterlockError as error:
            if error.kind is not Kind.NOT_FOUND:
                raise
    return names


async def _list(visit: Visit, current: Any = None) -> dict[str, Any]:
    asked = {name: visit.query[name] for name in ("q", "archived", "offset") if name in visit.query}
    command = visit.command(chats.ListChats, {"limit": _SHOWN, **asked})
    found = await visit.call(chats.list_, command)
    known = {"q": command.q or "", "archived": command.archived}
    return {"page": found, **known, "current": current or visit.query.get("current", "")}


async def _talk(visit: Visit) -> dict[str, Any]:
    asked = {name: visit.query[name] for name in ("before",) if name in visit.query}
    command = visit.command(chats.GetChat, {"limit": _SHOWN, **asked}, "conversation_id")
    found = await visit.call(chats.get, command)
    last = found.turns[-1] if found.turns else None
    texts = {message.id: rendered(message.content) for message in found.messages}
    return {
        "chat": found.chat,
        "messages": found.messages,
        "turns": _by_question(found),
        "last": last,
        "texts": texts,
        "tools_of": _tools_of,
        "run_of": _run_of,
        "attached_to": _attached_to,
        "is_oldest": not found.messages or found.messages[0].sequence == 1,
    }


def _by_question(found: ChatThread) -> dict[int, ChatTurn]:
    """The newest answer to each message."""
    return {turn.asked: turn for turn in found.turns}


def _tools_of(message: Message) -> list[dict[str, Any]]:
    return [part for part in message.parts if part.get("kind") == "tool"]


def _attached_to(message: Message) -> list[dict[str, Any]]:
    return [part for part in message.parts if part.get("kind") == "attachment"]


def _run_of(message: Message) -> str | None:
    return next((part["run_id"] for part in message.parts if part.get("kind") == "run"), None)
