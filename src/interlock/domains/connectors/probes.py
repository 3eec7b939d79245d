"""Asks a provider who we are, without doing anything there: the call behind "test this connection"."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from interlock.domains.connectors.views import Account, ConnectionTest, ConnectorKind
from interlock.kit.errors import InterlockError
from interlock.runtime.http import GuardedHttp, HttpReply


@dataclass(frozen=True, slots=True)
class Probe:
    """One harmless call: `secret` names the credential sent as bearer, `account` the field that names the account."""

    method: str
    path: str
    secret: str
    account: str | None = None
    json: Mapping[str, Any] | None = None


PROBES: Mapping[ConnectorKind, Probe] = MappingProxyType(
    {
        ConnectorKind.SLACK: Probe("POST", "/api/auth.test", "token", "team"),
        ConnectorKind.GMAIL: Probe("GET", "/gmail/v1/users/me/profile", "access_token", "emailAddress"),
        ConnectorKind.HUBSPOT: Probe(
            "POST", "/crm/v3/objects/contacts/search", "token", json={"limit": 1, "filterGroups": []}
        ),
        ConnectorKind.STRIPE: Probe("GET", "/v1/refunds?limit=1", "secret_key"),
    }
)


async def probe(http: GuardedHttp, account: Account) -> ConnectionTest:
    """What the provider says to this account's credentials."""
    wanted = PROBES.get(account.connector)
    if wanted is None:
        message = "Its hooks start workflows whenever they are called, so there is nothing harmless to ask."
        return ConnectionTest(connector=account.connector, ok=None, account=None, message=message)
    headers = {"Authorization": f"Bearer {account.credentials[wanted.secret]}"}
    body = None if wanted.json is None else dict(wanted.json)
    try:
        reply = await http.request(wanted.method, account.base_url + wanted.path, headers=headers, json=body)
        answer = reply.json()
    except InterlockError as error:
        return ConnectionTest(connector=account.connector, ok=False, account=None, message=error.message)
    if not isinstance(answer, dict) or not reply.ok or answer.get("ok") is False:
        message = f"The provider refused: {_refusal(reply, answer)}"
        return ConnectionTest(connector=account.connector, ok=False, account=None, message=message)
    name = answer.get(wanted.account) if wanted.account else None
    message = "The provider accepts these credentials."
    return ConnectionTest(
        connector=account.connector, ok=True, account=None if name is None else str(name), message=message
    )


def _refusal(reply: HttpReply, answer: object) -> str:
    """The provider's own words where it has some, cut short; never a header and never the request."""
    found: object = answer
    for name in ("error", "message"):
        if isinstance(found, dict) and found.get(name):
            found = found[name]
    return found[:300] if isinstance(found, str) else f"status {reply.status}"
