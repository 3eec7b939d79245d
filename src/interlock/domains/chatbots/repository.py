"""Rows of the chatbots domain."""

from sqlalchemy import bindparam, select

from interlock.domains.chatbots.models import chatbots
from interlock.domains.chatbots.states import ChatbotStatus
from interlock.domains.chatbots.views import Chatbot, EmbedId
from interlock.kit.paging import ListSpec
from interlock.runtime.context import Ctx, WorkspaceId
from interlock.runtime.repository import Repository

_BY_EMBED = select(chatbots).where(
    chatbots.c.embed_id == bindparam("embed"),
    chatbots.c.workspace_id == bindparam("workspace"),
    chatbots.c.status == ChatbotStatus.DEPLOYED,
)
_OWNER = select(chatbots.c.workspace_id).where(
    chatbots.c.embed_id == bindparam("embed"), chatbots.c.status == ChatbotStatus.DEPLOYED
)


class Chatbots(Repository[Chatbot]):
    """Chatbots of a workspace, newest first."""

    table = chatbots
    view = Chatbot
    thing = "chatbot"
    listing = ListSpec(filters=frozenset({"status"}))

    async def deployed(self, embed_id: EmbedId) -> Chatbot | None:
        """The chatbot behind an embed id, if it can be talked to."""
        session = await self.ctx.session()
        row = (await session.execute(_BY_EMBED, {"embed": embed_id, "workspace": self.ctx.workspace_id})).first()
        return None if row is None else self.to_view(row)


async def owner_of(ctx: Ctx, embed_id: EmbedId) -> WorkspaceId | None:
    """Whose deployed chatbot this is; the only question asked without a workspace."""
    row = (await (await ctx.session()).execute(_OWNER, {"embed": embed_id})).first()
    return None if row is None else WorkspaceId.of(row.workspace_id)
