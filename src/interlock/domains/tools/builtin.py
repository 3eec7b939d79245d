"""The tools every server offers, as data."""

from interlock.domains.connectors.views import ConnectorKind
from interlock.domains.governance.policies.views import RiskLevel
from interlock.domains.tools.adapters import gmail, http, hubspot, make, n8n, platform, slack, stripe, zapier
from interlock.domains.tools.catalogue import Catalogue, tool_spec
from interlock.runtime.context import Ctx, Runtime

_LINE = {"type": "string", "minLength": 1, "pattern": r"^[^\r\n\x00]*\S[^\r\n\x00]*$"}
_MAIL = {**_LINE, "maxLength": 320, "pattern": r"^[^@\s]+@[^@\s]+\.[^@\s]+$"}
_HOOK = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": r"^[A-Za-z0-9_.~-]+$"}
_HOOK_PATH = {**_HOOK, "pattern": r"^[A-Za-z0-9_~-]+(/[A-Za-z0-9_~-]+)*$"}
_PAYLOAD = {"type": "object", "description": "Anything; handed over as JSON."}

COMMS = (
    tool_spec(
        "comms.send_slack_message",
        "Send a Slack message",
        "Post a message to a Slack channel or DM.",
        {
            "properties": {
                "channel": {
                    **_LINE,
                    "maxLength": 200,
                    "description": "Channel name such as #ops, or a channel or user id.",
                },
                "text": {"type": "string", "minLength": 1, "maxLength": 40_000, "description": "Slack markdown."},
            },
            "required": ["channel", "text"],
        },
        slack.post_message,
        connector=ConnectorKind.SLACK,
    ),
    tool_spec(
        "comms.send_email",
        "Send an e-mail",
        "Send mail through the connected Gmail account.",
        {
            "properties": {
                "to": {**_LINE, "maxLength": 2_000, "description": "One address, or several with commas between them."},
                "subject": {"type": "string", "maxLength": 900, "pattern": r"^[^\r\n\x00]*$"},
                "body": {"type": "string", "maxLength": 500_000, "description": "Plain text."},
            },
            "required": ["to", "subject", "body"],
        },
        gmail.send_email,
        connector=ConnectorKind.GMAIL,
        risk=RiskLevel.MEDIUM,
    ),
)

CRM = (
    tool_spec(
        "crm.create_contact",
        "Create a contact",
        "Add a HubSpot contact; one with the same address is returned as it stands.",
        {
            "properties": {
                "email": _MAIL,
                "first_name": {"type": "string", "maxLength": 200},
                "last_name": {"type": "string", "maxLength": 200},
            },
            "required": ["email"],
        },
        hubspot.create_contact,
        connector=ConnectorKind.HUBSPOT,
        risk=RiskLevel.MEDIUM,
        repeatable=True,
    ),
)

PAYMENTS = (
    tool_spec(
        "payments.create_refund",
        "Refund a payment",
        "Issue a Stripe refund; always held for a person.",
        {
            "properties": {
                "charge_id": {
                    "type": "string",
                    "maxLength": 200,
                    "pattern": r"^[A-Za-z0-9_]+$",
                    "description": "A charge (ch_…) or payment intent (pi_…).",
                },
                "amount_cents": {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": 99_999_999,
                    "description": "In the currency's minor unit; absent: all that is left.",
                },
                "reason": {"type": "string", "maxLength": 500},
            },
            "required": ["charge_id"],
        },
        stripe.create_refund,
        connector=ConnectorKind.STRIPE,
        risk=RiskLevel.HIGH,
        requires_approval=True,
        destructive=True,
        repeatable=True,
    ),
)

WORKFLOW = (
    tool_spec(
        "workflow.zapier_action",
        "Fire a Zap",
        "Fire a Zap on the connected Zapier account.",
        {"properties": {"zap_id": _HOOK, "payload": _PAYLOAD}, "required": ["zap_id"]},
        zapier.run_zap,
        connector=ConnectorKind.ZAPIER,
        risk=RiskLevel.MEDIUM,
    ),
    tool_spec(
        "workflow.n8n_trigger",
        "Start an n8n workflow",
        "Start an n8n workflow through its webhook.",
        {"properties": {"workflow_id": _HOOK_PATH, "payload": _PAYLOAD}, "required": ["workflow_id"]},
        n8n.trigger,
        connector=ConnectorKind.N8N,
        risk=RiskLevel.MEDIUM,
    ),
    tool_spec(
        "workflow.make_scenario",
        "Run a Make scenario",
        "Run a Make scenario through its webhook.",
        {"properties": {"scenario_id": _HOOK, "payload": _PAYLOAD}, "required": ["scenario_id"]},
        make.run_scenario,
        connector=ConnectorKind.MAKE,
        risk=RiskLevel.MEDIUM,
    ),
)

_NAMED = {"type": "object", "maxProperties": 100}
HTTP = (
    tool_spec(
        "http.request",
        "Send an HTTP request",
        "Call any HTTP service on the public internet; an error status is a result too. Redirects are not followed.",
        {
            "properties": {
                "method": {"type": "string", "enum": list(http.METHODS), "description": "GET unless given."},
                "url": {**_LINE, "maxLength": 4_000, "description": "Absolute, http or https."},
                "headers": {
                    **_NAMED,
                    "additionalProperties": {"type": "string", "maxLength": 8_000, "pattern": r"^[^\r\n\x00]*$"},
                    "description": "Values of secret ones, such as Authorization, are in no record.",
                },
                "query": {**_NAMED, "description": "Added to the URL; a list repeats its parameter."},
                "json": {"description": "The body, sent as JSON."},
                "text": {"type": "string", "maxLength": 500_000, "description": "The body as it is, instead of json."},
                "timeout_seconds": {"type": "number", "exclusiveMinimum": 0, "maximum": http.LONGEST_SECONDS},
                "fail_on_error": {"type": "boolean", "description": "Whether a status from 400 on is a failure."},
            },
            "required": ["url"],
        },
        http.request,
        risk=RiskLevel.MEDIUM,
        care=http.CARE,
    ),
)

ECHO = tool_spec(
    "interlock.echo",
    "Echo",
    "Give back the arguments; for measuring and for trying policies out.",
    {"properties": {"text": {"type": "string", "maxLength": 10_000}}, "required": ["text"]},
    platform.echo,
    read_only=True,
    repeatable=True,
)
"""Not offered by itself: a benchmark adds it to its own server."""


def _builtin() -> Catalogue:
    catalogue = Catalogue()
    for spec in (*COMMS, *CRM, *PAYMENTS, *WORKFLOW, *HTTP):
        catalogue.add(spec)
    return catalogue


def catalogue_of(source: Ctx | Runtime) -> Catalogue:
    """The catalogue of this server process."""
    runtime = source.runtime if isinstance(source, Ctx) else source
    return runtime.local(_builtin)
