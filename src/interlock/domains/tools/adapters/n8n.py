"""n8n: a production webhook starts an active workflow; with a response node, its answer is the result."""

from typing import Any
from urllib.parse import quote

from interlock.domains.tools.adapters.call import AdapterCall, AdapterResult, Outgoing, refusal, send
from interlock.domains.tools.adapters.hooks import cost_in, response_of

_ERROR_KEYS = frozenset({"code", "message", "hint", "stacktrace"})


async def trigger(call: AdapterCall) -> AdapterResult:
    """Start a workflow with a payload."""
    headers = {"Idempotency-Key": call.key}
    secrets = call.target.credentials
    if "header_name" in secrets:
        headers[secrets["header_name"]] = secrets["header_value"]
    path = f"/webhook/{quote(str(call.arguments['workflow_id']))}"
    reply = await send(call, Outgoing("POST", path, headers, json=call.arguments.get("payload", {})))
    answer = response_of(reply)
    if not reply.ok or _is_error(answer):
        raise refusal("n8n", reply.status, answer.get("message") if isinstance(answer, dict) else answer)
    return AdapterResult({"ok": True, "response": answer, **cost_in(answer)})


def _is_error(answer: Any) -> bool:
    """n8n's own error body, which some versions send with status 200."""
    return isinstance(answer, dict) and {"code", "message"} <= set(answer) <= _ERROR_KEYS
