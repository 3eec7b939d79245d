"""A model writes text, or data of a wanted shape."""

from functools import partial

from pydantic_ai.messages import ModelRequest, UserPromptPart
from pydantic_ai.settings import ModelSettings

from interlock.domains.llm.views import ModelCall
from interlock.domains.memory import service as memory
from interlock.domains.memory.states import MemoryType, OccasionKind
from interlock.domains.memory.views import Occasion
from interlock.domains.runs.service import prompt as words
from interlock.domains.runs.service.thinking import Thought, think
from interlock.domains.runs.views import StepId
from interlock.domains.workflows.manifest import NodeFailed, Outcome, RunStopped, Work
from interlock.domains.workflows.nodes.ai.manifest import Config
from interlock.domains.workflows.reading import Unreadable, as_json, schema_instructions
from interlock.kit.errors import Kind
from interlock.kit.fencing import fenced
from interlock.runtime.context import Ctx
from interlock.runtime.durable import Json

_ABOUT = 10_000
"""How much of a prompt is compared with what is remembered."""


async def run(work: Work, config: Config) -> Outcome:
    """Ask the model once; text, or data of the wanted shape."""
    prompt = work.text(config.prompt)
    if config.data is not None:
        prompt = f"{prompt}\n\n{fenced(work.compute(config.data))}"
    system = None if config.system_prompt is None else work.text(config.system_prompt)
    if config.use_memory:
        known: str = await work.effect(partial(_recall, work, prompt), "recall")
        prompt = f"{known}\n\n{prompt}" if known else prompt
    thought = Thought.model_validate(await work.effect(partial(_ask, work, config, prompt, system), "ask"))
    record = thought.record().model_copy(update={"node_id": work.key})
    if thought.error is not None:
        if thought.error_kind is Kind.BUDGET_EXCEEDED:
            raise RunStopped(thought.error, budget=True)
        raise NodeFailed(thought.error, record=record if thought.response else None)
    text = thought.text()
    if config.answer_schema is None:
        return Outcome({"text": text}, record=record)
    try:
        return Outcome(as_json(text, config.answer_schema), record=record)
    except Unreadable as error:
        raise NodeFailed(str(error), record=record) from error


async def _recall(work: Work, prompt: str, ctx: Ctx) -> Json:
    """What the workspace remembers of the question, fenced as data; what it knows of people is not for strangers."""
    types = (MemoryType.BUSINESS,) if work.run.is_public else None
    occasion = Occasion(kind=OccasionKind.RUN, id=str(work.run.run_id))
    wanted = memory.Recall(text=prompt[:_ABOUT], types=types, occasion=occasion)
    return (await memory.reminders(work.run.acting(ctx), wanted)).text


async def _ask(work: Work, config: Config, prompt: str, system: str | None, ctx: Ctx) -> Json:
    parts = [system or "", words.RULES if config.data is not None or config.use_memory else ""]
    if config.answer_schema is not None:
        parts.append(schema_instructions(config.answer_schema))
    settings = ModelSettings()
    if config.temperature is not None:
        settings["temperature"] = config.temperature
    if config.max_tokens is not None:
        settings["max_tokens"] = config.max_tokens
    call = ModelCall(
        model=config.model,
        messages=[ModelRequest(parts=[UserPromptPart(prompt)])],
        instructions="\n\n".join(part for part in parts if part) or None,
        settings=settings,
        # A repeated request costs again, so each attempt is billed under a reference of its own.
        reference=f"{work.run.run_id}:{StepId.new()}",
        run_id=work.run.run_id,
        agent_id=work.run.spender,
        run_cap=work.run_cap,
    )
    return await think(work.run.acting(ctx), call)
