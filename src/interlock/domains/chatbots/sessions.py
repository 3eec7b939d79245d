"""Visitors' sessions: what a session id is worth.

A session id is all a visitor shows to go on with a conversation, so whoever guesses one could have the chatbot tell
what was said in it. Ids that the server issues cannot be guessed (192 random bits, with a mark that only this server
can make) and are good from anywhere. Ids that callers make are often guessable (`sess_user123`): such a session
belongs to the address it was begun from, and the same id from another address begins another conversation.
Only a keyed digest is stored, so that nobody who reads the database can go on with a visitor's conversation.
"""

import hmac
import secrets

from interlock.domains.chatbots.views import EmbedId
from interlock.runtime.context import Ctx

PREFIX = "sess_"
_RANDOM_BYTES = 24
_RANDOM_LENGTH = 32
_MARK_LENGTH = 16


def issued(ctx: Ctx, embed_id: EmbedId) -> str:
    """A fresh session id, good for one chatbot."""
    random = secrets.token_urlsafe(_RANDOM_BYTES)
    return f"{PREFIX}{random}{_mark(ctx, embed_id, random)}"


def is_issued(ctx: Ctx, embed_id: EmbedId, session_id: str) -> bool:
    """Whether this server made the id, for this chatbot."""
    text = session_id.removeprefix(PREFIX)
    random, mark = text[:_RANDOM_LENGTH], text[_RANDOM_LENGTH:]
    return session_id != text and hmac.compare_digest(mark.encode(), _mark(ctx, embed_id, random).encode())


def key_of(ctx: Ctx, embed_id: EmbedId, session_id: str) -> str:
    """The key under which a session's conversation is kept."""
    where = None if is_issued(ctx, embed_id, session_id) else ctx.source
    return ctx.runtime.secrets.keyed_digest(["chatbot session", str(embed_id), session_id, where])


def _mark(ctx: Ctx, embed_id: EmbedId, random: str) -> str:
    return ctx.runtime.secrets.keyed_digest(["chatbot session id", str(embed_id), random])[:_MARK_LENGTH]
