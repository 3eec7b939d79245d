"""The same nodes for every item of a list."""

from interlock.domains.workflows.manifest import NodeFailed, Outcome, Work
from interlock.domains.workflows.nodes.loop.manifest import Config
from interlock.runtime.durable import Json


async def run(work: Work, config: Config) -> Outcome:
    """Go through the list, one item after the other; skipped items leave null in their place."""
    items = work.compute(config.items)
    if not isinstance(items, list):
        raise NodeFailed(f"'items' must give a list, not {type(items).__name__}.", may_retry=False)
    if len(items) > config.most:
        raise NodeFailed(f"The list has {len(items)} items; 'most' allows {config.most}.", may_retry=False)
    results: list[Json] = []
    errors: list[dict[str, Json]] = []
    for index, item in enumerate(items):
        try:
            results.append(await work.walk_body(index, item))
        except NodeFailed as failure:
            if config.on_item_error == "fail":
                raise NodeFailed(f"Item {index}: {failure.message}", may_retry=False) from failure
            results.append(None)
            errors.append({"index": index, "error": failure.message})
    return Outcome({"items": results, "count": len(results), "errors": errors}, "done")
