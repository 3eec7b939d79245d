"""A rest of a time, or until a moment."""

from datetime import datetime, timedelta
from typing import Any

from interlock.domains.workflows.manifest import NodeFailed, Outcome, Work
from interlock.domains.workflows.nodes.delay.manifest import Config

_LONGEST = timedelta(days=366)


async def run(work: Work, config: Config) -> Outcome:
    """Sleep, then pass the data on."""
    now = work.flow.ctx.now
    moment = _moment(work, config, now)
    if moment > now + _LONGEST:
        raise NodeFailed("A delay of more than a year is surely a mistake.", may_retry=False)
    await work.flow.sleep_until(work.step_key("until"), moment)
    return Outcome(work.data)


def _moment(work: Work, config: Config, now: datetime) -> datetime:
    if config.until is not None:
        text = work.text(config.until)
        try:
            moment = datetime.fromisoformat(text)
        except ValueError as error:
            raise NodeFailed(f"'{text}' is no moment such as 2026-03-01T09:00:00Z.", may_retry=False) from error
        if moment.tzinfo is None:
            raise NodeFailed(f"'{text}' has no time zone; end it with Z or +02:00.", may_retry=False)
        return moment
    given: Any = work.value(config.seconds) if isinstance(config.seconds, str) else config.seconds
    try:
        seconds = float(given)
        return now + timedelta(seconds=max(seconds, 0.0))
    except (TypeError, ValueError, OverflowError) as error:
        raise NodeFailed(f"'{given}' is no number of seconds.", may_retry=False) from error
