"""HubSpot: create a contact. Contacts are unique by mail address, so a second creation finds the first."""

from typing import Any
from urllib.parse import quote

from interlock.domains.tools.adapters.call import AdapterCall, AdapterResult, Outgoing, json_object, refusal, send
from interlock.runtime.http import HttpReply

_CONTACTS = "/crm/v3/objects/contacts"
_EXISTS = 409
_NAMES = {"email": "email", "first_name": "firstname", "last_name": "lastname"}


async def create_contact(call: AdapterCall) -> AdapterResult:
    """Add a contact; one with the same address already is returned as it stands."""
    headers = {"Authorization": f"Bearer {call.target.credentials['token']}", "Idempotency-Key": call.key}
    properties = {_NAMES[name]: value for name, value in call.arguments.items()}
    creating = Outgoing("POST", _CONTACTS, headers, json={"properties": properties}, repeatable=True)
    reply = await send(call, creating)
    created = reply.status != _EXISTS
    if not created:
        path = f"{_CONTACTS}/{quote(str(call.arguments['email']), safe='')}?idProperty=email"
        reply = await send(call, Outgoing("GET", path, headers, repeatable=True))
    return _result(_contact(reply), created=created)


def _contact(reply: HttpReply) -> dict[str, Any]:
    answer = json_object(reply, "HubSpot")
    if not reply.ok or answer.get("status") == "error" or "id" not in answer:
        raise refusal("HubSpot", reply.status, answer.get("message"))
    return answer


def _result(contact: dict[str, Any], *, created: bool) -> AdapterResult:
    known = contact.get("properties") or {}
    contact_id = str(contact["id"])
    result = {
        "ok": True,
        "contact_id": contact_id,
        "created": created,
        "email": known.get("email"),
        "first_name": known.get("firstname"),
        "last_name": known.get("lastname"),
        "_cost_usd": 0,
    }
    return AdapterResult(result, contact_id)
