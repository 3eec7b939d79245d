"""What a run was asked to do, and where its loop is found when it is needed."""

import asyncio
import importlib
from typing import Any

from pydantic import BaseModel

from interlock.domains.agents.views import Agent
from interlock.kit.ids import RunId
from interlock.runtime.context import UserId
from interlock.runtime.durable import Flow, Json

AGENT_FLOW = "runs.agent"
_LOOP = "interlock.domains.runs.loop"


class Order(BaseModel):
    """A run's task, fixed at its start: later edits of the agent do not reach into it."""

    run_id: RunId
    agent: Agent
    input: dict[str, Any]
    user_id: UserId | None
    is_public: bool = False


async def run_agent(flow: Flow, argument: Json) -> Json:
    """Run an agent. The loop is loaded at the first run: importing the model library takes seconds."""
    loop = await asyncio.to_thread(importlib.import_module, _LOOP)
    return await loop.agent_loop(flow, argument)


async def record_failure(flow: Flow, argument: Json) -> Json:
    """Close a run whose loop raised."""
    loop = await asyncio.to_thread(importlib.import_module, _LOOP)
    return await loop.agent_failed(flow, argument)
