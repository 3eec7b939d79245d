"""Zapier: a catch hook starts a Zap. The account's number is part of the hook's address."""

from urllib.parse import quote

from interlock.domains.tools.adapters.call import AdapterCall, AdapterResult, Outgoing, json_object, refusal, send


async def run_zap(call: AdapterCall) -> AdapterResult:
    """Fire a Zap with a payload."""
    account = quote(call.target.credentials["account"], safe="")
    path = f"/hooks/catch/{account}/{quote(str(call.arguments['zap_id']), safe='')}/"
    payload = call.arguments.get("payload", {})
    reply = await send(call, Outgoing("POST", path, {"Idempotency-Key": call.key}, json=payload))
    answer = json_object(reply, "Zapier")
    if not reply.ok or answer.get("status") != "success":
        problems = answer.get("errors")
        raise refusal("Zapier", reply.status, problems[0] if isinstance(problems, list) and problems else problems)
    attempt = str(answer.get("attempt") or answer.get("id") or "")
    return AdapterResult({"ok": True, "attempt_id": attempt, "_cost_usd": 0}, attempt or None)
