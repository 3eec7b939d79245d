"""The same nodes for every item of a list."""

import orjson

from interlock.domains.workflows.manifest import NodeFailed, Outcome, Work
from interlock.domains.workflows.nodes.loop.manifest import Config
from interlock.runtime.durable import Json

_MOST_BYTES = 10_000_000


async def run(work: Work, config: Config) -> Outcome:
    """Go through the list, one item after the other; skipped items leave null in their place."""
    items = work.compute(config.items)
    if not isinstance(items, list):
        raise NodeFailed(f"'items' must give a list, not {type(items).__name__}.", may_retry=False)
    if len(items) > config.most:
        raise NodeFailed(f"The list has {len(items)} items; 'most' allows {config.most}.", may_retry=False)
    results: list[Json] = []
    errors: list[dict[str, Json]] = []
    size = 0
    for index, item in enumerate(items):
        try:
            results.append(await work.walk_body(index, item))
        except NodeFailed as failure:
            if config.on_item_error == "fail":
                raise NodeFailed(f"Item {index}: {failure.message}", may_retry=False) from failure
            results.append(None)
            errors.append({"index": index, "error": failure.message})
        size += len(orjson.dumps(results[-1]))
        if size > _MOST_BYTES:
            raise NodeFailed(
                f"What its items give is more than {_MOST_BYTES // 1_000_000} MB; give less of each.", may_retry=False
            )
    return Outcome({"items": results, "count": len(results), "errors": errors}, "done")
