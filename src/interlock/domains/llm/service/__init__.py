"""Operations of the llm domain, by verb group; `request` is what the agent loop calls."""

from interlock.domains.llm.service.calls import request
from interlock.domains.llm.switchboard import shut_down
from interlock.domains.llm.views import ModelCall, ModelReply

__all__ = ["ModelCall", "ModelReply", "request", "shut_down"]
