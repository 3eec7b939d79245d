"""The charges the pretend Stripe account starts with, and the shape of its refunds."""

import time
from typing import Any

REASONS = ("duplicate", "fraudulent", "requested_by_customer")

FIRST_CHARGE = "ch_3QNw7x2eZvKYlo2C0aH4mR1s"
DOUBLE_CHARGE = "ch_3QNw7x2eZvKYlo2C1kTz8uPq"
"""The second charge of order NW-10482: what the refund desk demo refunds."""
REFUNDED_CHARGE = "ch_3QMt1b2eZvKYlo2C0rEfUnDd"
PARTLY_REFUNDED_CHARGE = "ch_3QMu9d2eZvKYlo2C0pArTlYy"
DISPUTED_CHARGE = "ch_3QLs5f2eZvKYlo2C0dIsPuTe"


def seeded_charges() -> dict[str, dict[str, Any]]:
    """Fresh copies of the seeded charges, by id."""
    rows = [
        _charge(FIRST_CHARGE, 6490, "NW-10482", "maya.okafor@fernleaf.example", 1_794_001_220),
        _charge(DOUBLE_CHARGE, 6490, "NW-10482", "maya.okafor@fernleaf.example", 1_794_001_261),
        _charge(REFUNDED_CHARGE, 2500, "NW-10377", "t.lindqvist@harborlight.example", 1_793_480_104, refunded=2500),
        _charge(PARTLY_REFUNDED_CHARGE, 12000, "NW-10401", "ines@quarrystudio.example", 1_793_641_977, refunded=4000),
        _charge(DISPUTED_CHARGE, 8900, "NW-10290", "b.hart@millrace.example", 1_792_900_431, disputed=True),
    ]
    return {row["id"]: row for row in rows}


def _charge(
    charge_id: str, amount: int, order: str, email: str, created: int, *, refunded: int = 0, disputed: bool = False
) -> dict[str, Any]:
    intent = charge_id.replace("ch_", "pi_")
    return {
        "id": charge_id,
        "object": "charge",
        "amount": amount,
        "amount_captured": amount,
        "amount_refunded": refunded,
        "balance_transaction": charge_id.replace("ch_", "txn_"),
        "billing_details": {"address": None, "email": email, "name": None, "phone": None},
        "captured": True,
        "created": created,
        "currency": "usd",
        "customer": None,
        "description": f"Northwind order {order}",
        "disputed": disputed,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": {"order": order},
        "paid": True,
        "payment_intent": intent,
        "payment_method_details": {"card": {"brand": "visa", "last4": "4242"}, "type": "card"},
        "receipt_email": email,
        "refunded": refunded == amount,
        "status": "succeeded",
    }


def new_refund(
    number: int, charge: dict[str, Any], amount: int, reason: str | None, metadata: dict[str, str]
) -> dict[str, Any]:
    """A succeeded refund object; numbers only grow, so ids sort by age."""
    suffix = f"{charge['id'][3:19]}{number:08d}"
    return {
        "id": f"re_{number:08d}{charge['id'][3:19]}",
        "object": "refund",
        "amount": amount,
        "balance_transaction": f"txn_{suffix}",
        "charge": charge["id"],
        "created": int(time.time()),
        "currency": charge["currency"],
        "destination_details": {"card": {"reference_status": "pending", "type": "refund"}, "type": "card"},
        "metadata": metadata,
        "payment_intent": charge["payment_intent"],
        "reason": reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    }


def money(cents: int) -> str:
    """An amount the way Stripe prints dollars in messages."""
    return f"${cents // 100:,}.{cents % 100:02d}"
