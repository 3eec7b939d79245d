"""What each connector needs: where its API lives, and which credentials open it."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from interlock.domains.connectors.views import ConnectorKind


@dataclass(frozen=True, slots=True)
class ConnectorFacts:
    """The facts of one connector.

    Args:
        base_url: the provider's own address; None where every customer has another one.
        required: credential fields that must be given, each with what it is.
        optional: credential fields that may be given.
    """

    name: str
    category: str
    base_url: str | None
    required: Mapping[str, str]
    optional: Mapping[str, str]


def _facts(
    name: str,
    category: str,
    base_url: str | None,
    required: Mapping[str, str],
    optional: Mapping[str, str] | None = None,
) -> ConnectorFacts:
    return ConnectorFacts(name, category, base_url, MappingProxyType(required), MappingProxyType(optional or {}))


CONNECTORS: Mapping[ConnectorKind, ConnectorFacts] = MappingProxyType(
    {
        ConnectorKind.SLACK: _facts(
            "Slack", "Communication", "https://slack.com", {"token": "bot token, xoxb-… with the scope chat:write"}
        ),
        ConnectorKind.GMAIL: _facts(
            "Gmail",
            "Communication",
            "https://gmail.googleapis.com",
            {"access_token": "OAuth 2 access token with the scope gmail.send"},
        ),
        ConnectorKind.HUBSPOT: _facts(
            "HubSpot", "CRM & Sales", "https://api.hubapi.com", {"token": "private app token, pat-…"}
        ),
        ConnectorKind.STRIPE: _facts(
            "Stripe", "Payments", "https://api.stripe.com", {"secret_key": "secret or restricted key, sk_… or rk_…"}
        ),
        ConnectorKind.ZAPIER: _facts(
            "Zapier",
            "Automation",
            "https://hooks.zapier.com",
            {"account": "the number after /hooks/catch/ in hook URLs"},
        ),
        ConnectorKind.N8N: _facts(
            "n8n",
            "Automation",
            None,
            {},
            {"header_name": "name of the webhook's header credential", "header_value": "its value"},
        ),
        ConnectorKind.MAKE: _facts(
            "Make",
            "Automation",
            "https://hook.eu1.make.com",
            {},
            {"api_key": "value of x-make-apikey, if hooks ask for it"},
        ),
    }
)
