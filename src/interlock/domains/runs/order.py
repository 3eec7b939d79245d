"""What a run was asked to do, and where its loop is found when it is needed."""

import asyncio
import importlib
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict

from interlock.domains.documents.views import DocumentId
from interlock.kit.ids import AgentId, RunId
from interlock.runtime.context import UserId
from interlock.runtime.durable import Flow, Json

AGENT_FLOW = "runs.agent"
_LOOP = "interlock.domains.runs.loop"


class Worker(BaseModel):
    """Who works on a run, as it was at the start: an agent, or a model by itself, which then has no id and no tools."""

    model_config = ConfigDict(from_attributes=True)

    id: AgentId | None = None
    name: str
    model: str
    system_prompt: str | None = None
    tools: tuple[str, ...] = ()
    max_iterations: int = 1
    budget_per_run: Decimal | None = None


class Said(BaseModel):
    """An earlier message of a conversation."""

    by_user: bool
    text: str


class Talk(BaseModel):
    """What a run that answers in a conversation goes by beside its task; its text is shown while it is written.

    Args:
        history: earlier messages, oldest first.
        knowledge: documents that are searched for what they say to the task.
        attachments: documents that came with the task, to be read whole.
        most_attached: how many characters of the attachments the model can be given.
    """

    history: tuple[Said, ...] = ()
    knowledge: tuple[DocumentId, ...] = ()
    attachments: tuple[DocumentId, ...] = ()
    most_attached: int = 0


class Order(BaseModel):
    """A run's task, fixed at its start: later edits of the agent do not reach into it.

    Args:
        again_from: the first step that is the run's own; what was said before it has been taken over from another run.
    """

    run_id: RunId
    agent: Worker
    input: dict[str, Any]
    user_id: UserId | None
    is_public: bool = False
    talk: Talk | None = None
    again_from: int | None = None


async def run_agent(flow: Flow, argument: Json) -> Json:
    """Run an agent. The loop is loaded at the first run: importing the model library takes seconds."""
    loop = await asyncio.to_thread(importlib.import_module, _LOOP)
    return await loop.agent_loop(flow, argument)


async def record_failure(flow: Flow, argument: Json) -> Json:
    """Close a run whose loop raised."""
    loop = await asyncio.to_thread(importlib.import_module, _LOOP)
    return await loop.agent_failed(flow, argument)
