"""Operations on chats, by verb group: threads are opened, listed and shown; turns are begun, repeated and stopped."""

from interlock.domains.chats.service.threads import (
    ChatRef,
    GetChat,
    ListChats,
    OpenChat,
    delete,
    get,
    list_,
    open_,
)
from interlock.domains.chats.service.turns import SayInChat, TurnRef, events, regenerate, say, stop
from interlock.domains.runs.service.spoken import ENDED, TEXT, WITHHELD

__all__ = [
    "ENDED",
    "TEXT",
    "WITHHELD",
    "ChatRef",
    "GetChat",
    "ListChats",
    "OpenChat",
    "SayInChat",
    "TurnRef",
    "delete",
    "events",
    "get",
    "list_",
    "open_",
    "regenerate",
    "say",
    "stop",
]
