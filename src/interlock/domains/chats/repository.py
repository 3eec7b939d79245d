"""Rows of the chats domain."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, delete, select

from interlock.domains.chats.models import chat_turns, chats
from interlock.domains.chats.states import LIFECYCLE, TurnState
from interlock.domains.chats.views import ChatTurn, Partner
from interlock.domains.conversations.views import ConversationId
from interlock.kit.ids import RunId
from interlock.runtime.repository import Repository

_t = chat_turns.c
_MINE = (_t.conversation_id == bindparam("conversation"), _t.workspace_id == bindparam("workspace"))
_LAST = select(chat_turns).where(*_MINE).order_by(_t.id.desc()).limit(1)
_SINCE = select(chat_turns).where(*_MINE, _t.asked >= bindparam("first")).order_by(_t.id)
_DROP = delete(chat_turns).where(*_MINE)
_PARTNERS = select(chats).where(
    chats.c.guid.in_(bindparam("keys", expanding=True)), chats.c.workspace_id == bindparam("workspace")
)
_ANSWERING = select(_t.conversation_id, _t.guid).where(
    _t.conversation_id.in_(bindparam("keys", expanding=True)),
    _t.workspace_id == bindparam("workspace"),
    _t.state == TurnState.ANSWERING,
)


class Chats(Repository[Partner]):
    """With whom the conversations of a workspace are held."""

    table = chats
    view = Partner
    thing = "chat"

    async def of(self, keys: Sequence[ConversationId]) -> dict[ConversationId, Partner]:
        """Those of these conversations that are chats."""
        values = {"keys": list(keys), "workspace": self.ctx.workspace_id}
        partners = map(self.to_view, await (await self.ctx.session()).execute(_PARTNERS, values))
        return {partner.id: partner for partner in partners}

    async def hold(self, key: ConversationId) -> None:
        """Keep others from beginning or ending an answer until the unit of work ends."""
        await (await self.ctx.session()).lock(f"chat:{key}")


class Turns(Repository[ChatTurn]):
    """The answers in chats."""

    table = chat_turns
    view = ChatTurn
    thing = "answer"

    async def last(self, conversation_id: ConversationId) -> ChatTurn | None:
        """The newest answer of a chat."""
        row = (await (await self.ctx.session()).execute(_LAST, self._values(conversation_id))).first()
        return None if row is None else self.to_view(row)

    async def since(self, conversation_id: ConversationId, first: int) -> tuple[ChatTurn, ...]:
        """The answers to messages from a sequence on, in the order in which they were begun."""
        rows = await (await self.ctx.session()).execute(_SINCE, {**self._values(conversation_id), "first": first})
        return tuple(map(self.to_view, rows))

    async def answering(self, keys: Sequence[ConversationId]) -> dict[ConversationId, RunId]:
        """The runs that write answers in these conversations."""
        values = {"keys": list(keys), "workspace": self.ctx.workspace_id}
        rows = await (await self.ctx.session()).execute(_ANSWERING, values)
        return {row.conversation_id: row.guid for row in rows}

    async def end(self, key: RunId, state: TurnState, **values: Any) -> ChatTurn:
        """End an answer as a compare-and-set."""
        allowed = _t.state.in_(LIFECYCLE.sources(state))
        return await self.change(key, {"state": state, "ended_at": self.ctx.now, **values}, where=[allowed])

    async def drop(self, conversation_id: ConversationId) -> None:
        """Forget the answers of a chat; their runs stay."""
        await (await self.ctx.session()).execute(_DROP, self._values(conversation_id))

    def _values(self, conversation_id: ConversationId) -> dict[str, Any]:
        return {"conversation": conversation_id, "workspace": self.ctx.workspace_id}
