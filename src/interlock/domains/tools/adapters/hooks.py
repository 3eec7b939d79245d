"""What the workflow services share: their hooks answer with whatever the workflow says."""

from typing import Any

import orjson

from interlock.runtime.http import HttpReply

_LONGEST_TEXT = 20_000


def response_of(reply: HttpReply) -> Any:
    """What a workflow answered: JSON where it is JSON, else text."""
    try:
        return orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        return reply.text()[:_LONGEST_TEXT]


def cost_in(answer: Any) -> dict[str, Any]:
    """The cost a workflow reports for itself, else none."""
    return {"_cost_usd": answer.get("_cost_usd", 0) if isinstance(answer, dict) else 0}
