"""What the webhooks domain does on news: note who outside is to be told."""

from collections.abc import Awaitable, Callable

from interlock.domains.runs import service as runs
from interlock.domains.runs.events import RunEnded
from interlock.domains.runs.states import LIFECYCLE, RunStatus
from interlock.domains.webhooks.catalogue import CATALOGUE, RunNews, fits, fits_in
from interlock.domains.webhooks.news import tell
from interlock.domains.webhooks.repository import audiences
from interlock.kit.errors import InterlockError, Kind
from interlock.runtime.context import Ctx
from interlock.runtime.events import Event
from interlock.runtime.jobs import Jobs

RUN_EVENTS = tuple(f"run.{status.value}" for status in RunStatus if LIFECYCLE.is_final(status))


def announce(jobs: Jobs, event: type[Event], name: str) -> None:
    """Have a domain event told under its public name; its fields fill the payload that the catalogue lays down."""
    payload = CATALOGUE[name][1]

    async def handler(ctx: Ctx, news: Event) -> None:
        async with ctx.begin() as unit:
            await tell(unit, name, payload.model_validate(news, from_attributes=True))

    jobs.subscribe(event, f"webhooks.tell_{name.replace('.', '_')}", handler, wanted=_wanted(name))


def announce_runs(jobs: Jobs) -> None:
    """Have the end of runs told, each under the name of how it ended."""
    jobs.subscribe(RunEnded, "webhooks.tell_run_ended", on_run_ended, wanted=_wanted(*RUN_EVENTS))


async def on_run_ended(ctx: Ctx, event: RunEnded) -> None:
    """Tell of a run's end, with its output where that is small."""
    async with ctx.begin() as unit:
        await tell(unit, f"run.{event.status.value}", await _run_news(unit, event))


async def _run_news(ctx: Ctx, event: RunEnded) -> RunNews:
    try:
        run = await runs.get(ctx, runs.RunRef(run_id=event.run_id))
    except InterlockError as error:
        if error.kind is not Kind.NOT_FOUND:  # it was deleted meanwhile
            raise
        return RunNews(run_id=event.run_id, status=event.status)
    keeps = fits_in(run.output)
    told = {name: getattr(run, name) for name in RunNews.model_fields if hasattr(run, name)}
    return RunNews(**{**told, "run_id": run.id, "output": run.output if keeps else None, "output_left_out": not keeps})


def _wanted(*names: str) -> Callable[[Ctx], Awaitable[bool]]:
    async def wanted(ctx: Ctx) -> bool:
        return any(fits(audience.events, name) for audience in await audiences(ctx) for name in names)

    return wanted
