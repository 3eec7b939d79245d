"""Stripe: create a refund. Form-encoded, amounts in the currency's minor unit, an Idempotency-Key on every request."""

from interlock.domains.tools.adapters.call import (
    AdapterCall,
    AdapterResult,
    Outgoing,
    failure,
    json_object,
    refusal,
    send,
)

_REASONS = frozenset({"duplicate", "fraudulent", "requested_by_customer"})
_NOT_DONE = frozenset({"failed", "canceled"})


async def create_refund(call: AdapterCall) -> AdapterResult:
    """Refund a charge, in full or in part."""
    request = Outgoing(
        "POST",
        "/v1/refunds",
        headers={"Authorization": f"Bearer {call.target.credentials['secret_key']}", "Idempotency-Key": call.key},
        data=form_of(call),
        repeatable=True,
    )
    reply = await send(call, request)
    answer = json_object(reply, "Stripe")
    error = answer.get("error")
    if not reply.ok or error:
        raise refusal("Stripe", reply.status, error.get("message") if isinstance(error, dict) else error)
    status, refund = str(answer.get("status", "")), str(answer.get("id", ""))
    if status in _NOT_DONE:
        raise failure(f"Stripe made refund {refund} but it is {status}.", code="refund_not_done", refund_id=refund)
    result = {
        "ok": True,
        "refund_id": refund,
        "status": status,
        "charge_id": answer.get("charge"),
        "amount_cents": answer.get("amount"),
        "currency": answer.get("currency"),
        "_cost_usd": 0,
    }
    return AdapterResult(result, refund)


def form_of(call: AdapterCall) -> dict[str, str]:
    """The form; a reason outside Stripe's three words is kept as metadata."""
    charge = str(call.arguments["charge_id"])
    form = {"payment_intent" if charge.startswith("pi_") else "charge": charge}
    if "amount_cents" in call.arguments:
        form["amount"] = str(call.arguments["amount_cents"])
    reason = call.arguments.get("reason")
    if reason in _REASONS:
        form["reason"] = str(reason)
    elif reason:
        form["metadata[reason]"] = str(reason)
    form["metadata[interlock_key]"] = call.key
    return form
