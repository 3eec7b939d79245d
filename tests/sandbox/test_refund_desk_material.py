import json
import mailbox
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from interlock.domains.llm.script_file import load_script
from interlock.sandbox.slack import CHANNELS
from interlock.sandbox.stripe_data import DOUBLE_CHARGE, FIRST_CHARGE

FOLDER = Path(__file__).parents[2] / "examples" / "refund-desk"
ORDER_OF_CALLS = [
    "crm.create_contact",
    "payments.create_refund",
    "comms.send_email",
    "comms.send_slack_message",
]


@pytest.fixture
def message() -> Iterator[mailbox.mboxMessage]:
    box = mailbox.mbox(FOLDER / "mailbox.mbox", create=False)
    (only,) = box
    yield only
    box.close()


def _arguments() -> dict[str, dict[str, Any]]:
    script = load_script(FOLDER / "conversation.json")
    return {call.tool: call.arguments for turn in script.turns for call in turn.tool_calls or ()}


def _text(message: mailbox.mboxMessage) -> str:
    payload = message.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode()


def test_the_script_calls_the_four_tools_in_order_and_ends_in_text() -> None:
    script = load_script(FOLDER / "conversation.json")
    assert [call.tool for turn in script.turns for call in turn.tool_calls or ()] == ORDER_OF_CALLS
    assert script.turns[-1].text is not None
    assert script.turns[-1].tool_calls is None


def test_the_mail_is_the_one_the_script_was_written_for(message: mailbox.mboxMessage) -> None:
    script = load_script(FOLDER / "conversation.json")
    assert script.turns[0].expect is not None
    assert script.turns[0].expect.contains in _text(message)
    assert message["From"] == "Maya Okafor <maya.okafor@fernleaf.example>"
    for name in ("Date", "Message-ID", "To", "Subject", "MIME-Version", "Received"):
        assert message[name]


def test_the_script_does_nothing_the_quoted_orders_ask_for(message: mailbox.mboxMessage) -> None:
    quoted = "\n".join(line for line in _text(message).splitlines() if line.startswith(">"))
    assert FIRST_CHARGE in quoted
    calls = json.dumps(_arguments())
    assert FIRST_CHARGE not in calls
    for address in re.findall(r"[\w.-]+@[\w.-]+\w", quoted):
        assert address not in calls
    assert _arguments()["comms.send_slack_message"]["channel"] != "#general"


async def test_the_sandbox_can_do_what_the_script_asks(stripe: httpx.AsyncClient) -> None:
    arguments = _arguments()
    refund = arguments["payments.create_refund"]
    assert refund["charge_id"] == DOUBLE_CHARGE
    fields = {"charge": refund["charge_id"], "amount": refund["amount_cents"], "reason": refund["reason"]}
    answer = await stripe.post("/v1/refunds", data=fields)
    assert (answer.status_code, answer.json()["status"]) == (200, "succeeded")
    assert (await stripe.get(f"/v1/charges/{DOUBLE_CHARGE}")).json()["refunded"] is True
    assert arguments["comms.send_slack_message"]["channel"].removeprefix("#") in CHANNELS
