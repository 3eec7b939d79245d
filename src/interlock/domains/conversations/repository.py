"""Rows of the conversations domain."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, or_, select, update

from interlock.domains.conversations.models import conversations, messages
from interlock.domains.conversations.states import Channel
from interlock.domains.conversations.views import Conversation, ConversationId, Message, MessageId
from interlock.kit.errors import not_found
from interlock.kit.ids import TypedId
from interlock.kit.paging import Page, PageQuery
from interlock.runtime.repository import Repository

_c = conversations.c
_m = messages.c
_MINE = (_c.guid == bindparam("key"), _c.workspace_id == bindparam("workspace"))
_BY_SESSION = select(conversations).where(
    _c.workspace_id == bindparam("workspace"),
    _c.channel == bindparam("channel_"),
    _c.subject == bindparam("subject_"),
    _c.session_key == bindparam("session"),
)
_ORDER = (_c.pinned.desc(), _c.active_at.desc(), _c.id.desc())
_PLAIN_PAGE = (
    select(conversations)
    .where(_c.workspace_id == bindparam("workspace"), _c.archived == bindparam("archived_"))
    .order_by(*_ORDER)
    .limit(bindparam("most"))
)
_TAKE = (
    update(conversations)
    .where(*_MINE, or_(_c.turn.is_(None), _c.turn_until < bindparam("now")))
    .values(turn=bindparam("mine"), turn_until=bindparam("until"))
    .returning(_c.id)
)
_KEEP = update(conversations).where(*_MINE, _c.turn == bindparam("mine")).values(turn_until=bindparam("until"))
_RELEASE = update(conversations).where(*_MINE, _c.turn == bindparam("mine")).values(turn=None, turn_until=None)
_DISCARD = delete(conversations).where(
    *_MINE, _c.turn == bindparam("mine"), _c.message_count == 0, _c.session_key.is_not(None)
)
_COUNT_IN = (
    update(conversations)
    .where(*_MINE)
    .values(
        message_count=_c.message_count + bindparam("more"),
        unread_count=_c.unread_count + bindparam("unread"),
        title=func.coalesce(_c.title, bindparam("title_", type_=_c.title.type)),
        active_at=bindparam("at"),
        last_message_at=bindparam("at"),
        updated_at=bindparam("at"),
    )
    .returning(conversations)
)
_ADD_MESSAGES = insert(messages)
_NEWEST = (
    select(messages)
    .where(_m.conversation_id == bindparam("conversation"), _m.workspace_id == bindparam("workspace"))
    .where(_m.sequence < bindparam("before"))
    .order_by(_m.sequence.desc())
    .limit(bindparam("most"))
)
_PLACES = select(_m.id, _m.conversation_id).where(
    _m.id.in_(bindparam("numbers", expanding=True)), _m.workspace_id == bindparam("workspace")
)
_OF_THREAD = (_m.conversation_id == bindparam("conversation"), _m.workspace_id == bindparam("workspace"))
_LAST = select(func.max(_m.sequence)).where(*_OF_THREAD).scalar_subquery()
_DROP_LAST = delete(messages).where(*_OF_THREAD, _m.guid == bindparam("key"), _m.sequence == _LAST).returning(_m.id)
_NUMBERS = select(_m.id).where(
    _m.conversation_id == bindparam("conversation"), _m.workspace_id == bindparam("workspace")
)
_DROP_MESSAGES = delete(messages).where(
    _m.conversation_id == bindparam("conversation"), _m.workspace_id == bindparam("workspace")
)


class Conversations(Repository[Conversation]):
    """Threads of a workspace: pinned ones first, then those with the newest traffic."""

    table = conversations
    view = Conversation
    thing = "conversation"

    async def by_session(self, channel: Channel, subject: str, session_key: str) -> Conversation | None:
        """The thread the outside world knows by this key."""
        values = {"channel_": channel, "subject_": subject, "session": session_key}
        session = await self.ctx.session()
        row = (await session.execute(_BY_SESSION, {"workspace": self.ctx.workspace_id, **values})).first()
        return None if row is None else self.to_view(row)

    async def matching(
        self,
        query: PageQuery,
        *,
        channel: Channel | None = None,
        subject: str | None = None,
        archived: bool = False,
        pinned: bool | None = None,
        since: datetime | None = None,
        ranked: Sequence[ConversationId] | None = None,
    ) -> Page[Conversation]:
        """A page in reading order, or of the ranked ones in theirs; a filter that is None is left out."""
        equal = {"channel": channel, "subject": subject, "pinned": pinned}
        conditions = [_c[name] == value for name, value in equal.items() if value is not None]
        if since is not None:
            conditions.append(_c.last_message_at >= since)
        session = await self.ctx.session()
        found = select(conversations).where(_c.workspace_id == self.ctx.workspace_id, _c.archived == archived)
        if ranked is not None:
            statement = found.where(*conditions, _c.guid.in_(ranked))
            views = {view.id: view for view in map(self.to_view, await session.execute_long(statement))}
            ordered = [views[key] for key in ranked if key in views]
            return Page(tuple(ordered[query.offset : query.offset + query.limit]), query.limit, query.offset)
        if conditions or query.offset:
            statement = found.where(*conditions).order_by(*_ORDER).limit(query.limit).offset(query.offset)
            rows = await session.execute_long(statement)
        else:
            values = {"workspace": self.ctx.workspace_id, "archived_": archived, "most": query.limit}
            rows = await session.execute(_PLAIN_PAGE, values)
        return Page(tuple(self.to_view(row) for row in rows.all()), query.limit, query.offset)

    async def take_turn(self, key: ConversationId, mine: TypedId, until: datetime) -> bool:
        """Take the turn unless somebody has it; tells whether it is mine now."""
        values = {"mine": mine, "until": until, "now": self.ctx.now}
        return (await self._run(_TAKE, key, values)).first() is not None

    async def keep_turn(self, key: ConversationId, mine: TypedId, until: datetime) -> bool:
        """Give a sign of life; False when the turn is no longer mine."""
        return bool((await self._run(_KEEP, key, {"mine": mine, "until": until})).rowcount)

    async def release_turn(self, key: ConversationId, mine: TypedId) -> bool:
        """Let the next one speak; False when the turn was no longer mine. An outsider's empty thread is dropped."""
        if (await self._run(_DISCARD, key, {"mine": mine})).rowcount:
            return True
        return bool((await self._run(_RELEASE, key, {"mine": mine})).rowcount)

    async def count_in(self, key: ConversationId, more: int, unread: int, title: str | None) -> Conversation:
        """Make room for messages; the last of the new places is the count. Waits for whoever is at it."""
        values = {"more": more, "unread": unread, "title_": title, "at": self.ctx.now}
        row = (await self._run(_COUNT_IN, key, values)).first()
        if row is None:
            raise not_found(self.thing, key)
        return self.to_view(row)

    async def _run(self, statement: Any, key: ConversationId, values: dict[str, Any]) -> Any:
        session = await self.ctx.session()
        return await session.execute(statement, {"key": key, "workspace": self.ctx.workspace_id, **values})


class Messages(Repository[Message]):
    """Messages of a workspace's threads."""

    table = messages
    view = Message
    thing = "message"

    async def add_all(self, rows: Sequence[dict[str, Any]]) -> None:
        """Store messages that follow one another."""
        await (await self.ctx.session()).execute(_ADD_MESSAGES, list(rows))

    async def newest(self, conversation_id: ConversationId, most: int, before: int) -> tuple[Message, ...]:
        """The last messages before a place, oldest of them first."""
        values = {"conversation": conversation_id, "workspace": self.ctx.workspace_id, "before": before, "most": most}
        rows = (await (await self.ctx.session()).execute(_NEWEST, values)).all()
        return tuple(self.to_view(row) for row in reversed(rows))

    async def threads_of(self, numbers: Sequence[int]) -> list[ConversationId]:
        """Whose messages these are, each thread once, in the order of its first."""
        values = {"numbers": list(numbers), "workspace": self.ctx.workspace_id}
        rows = await (await self.ctx.session()).execute(_PLACES, values)
        threads = {row.id: row.conversation_id for row in rows}
        return list(dict.fromkeys(threads[number] for number in numbers if number in threads))

    async def drop_last(self, conversation_id: ConversationId, key: MessageId) -> int | None:
        """Delete the last message of a thread if it is this one; returns its number."""
        values = {"conversation": conversation_id, "workspace": self.ctx.workspace_id, "key": key}
        number: int | None = (await (await self.ctx.session()).execute(_DROP_LAST, values)).scalar()
        return number

    async def drop(self, conversation_id: ConversationId) -> list[int]:
        """Delete all of a thread; returns the numbers of what is gone."""
        session = await self.ctx.session()
        values = {"conversation": conversation_id, "workspace": self.ctx.workspace_id}
        numbers = [row.id for row in await session.execute(_NUMBERS, values)]
        await session.execute(_DROP_MESSAGES, values)
        return numbers
