"""Make: a custom webhook queues a payload for a scenario and says "Accepted"; a response module may say more."""

from urllib.parse import quote

from interlock.domains.tools.adapters.call import AdapterCall, AdapterResult, Outgoing, refusal, send
from interlock.domains.tools.adapters.hooks import cost_in, response_of

_FAILED = "Scenario failed to complete."


async def run_scenario(call: AdapterCall) -> AdapterResult:
    """Run a scenario with a payload."""
    headers = {"Idempotency-Key": call.key}
    if "api_key" in call.target.credentials:
        headers["x-make-apikey"] = call.target.credentials["api_key"]
    path = f"/{quote(str(call.arguments['scenario_id']), safe='')}"
    reply = await send(call, Outgoing("POST", path, headers, json=call.arguments.get("payload", {})))
    answer = response_of(reply)
    if not reply.ok or answer == _FAILED:
        raise refusal("Make", reply.status, answer)
    return AdapterResult({"ok": True, "response": answer, **cost_in(answer)})
