"""A policy as a form: the fields of each type made from its configuration's schema, and the way back to a command."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from interlock.domains.governance.policies.config import schema_of
from interlock.domains.governance.policies.service import CreatePolicy
from interlock.domains.governance.policies.states import PolicyMode
from interlock.domains.governance.policies.views import Policy, PolicyType
from interlock.kit.errors import invalid

_LABELS = {
    "reason": ("Why a person must agree", "Shown to the reviewer and to the agent."),
    "min_risk": ("Only for tools of this risk or more", None),
    "min_cost": ("Only for calls that cost this much or more, in US dollars", None),
    "per_run": ("Most for one run, in US dollars", None),
    "per_agent": ("Most for one agent in the period", None),
    "per_scope": ("Most for all tools this policy covers in the period", None),
    "per_workspace": ("Most for the whole workspace in the period", None),
    "period": ("Period (UTC)", None),
    "detect": ("Personal data it knows by itself", None),
    "patterns": ("Patterns of your own", "One on each line: name = regular expression."),
    "fields": ("Arguments that are masked whole, by name", "One on each line, such as *password*."),
    "skip_fields": ("Arguments that are left alone, by name", "One on each line, such as to."),
    "action": ("What happens to a call that carries personal data", None),
    "deny": ("Phrases a model may not say", "One on each line; case does not matter."),
    "allow": ("Phrases that are fine even so", "One on each line."),
    "controls": ("Controls that calls fall under", "One on each line, such as Art.14."),
    "framework": ("Framework they belong to", "Such as EU AI Act; export the evidence by it."),
}
TYPES = {
    PolicyType.APPROVAL: "A person must agree before the call is made.",
    PolicyType.COST: "Spending may not pass a cap.",
    PolicyType.DATA_PRIVACY: "Personal data in arguments is masked, or refused.",
    PolicyType.CONTENT: "What a model says is screened for phrases and patterns.",
    PolicyType.COMPLIANCE: "Calls are labelled with regulatory controls, for the evidence.",
}
MODES = {
    PolicyMode.LOG: "Log: only record what it would do. Begin here.",
    PolicyMode.ALERT: "Alert: let it through and tell people.",
    PolicyMode.PAUSE: "Pause: hold it until a person has decided.",
    PolicyMode.BLOCK: "Block: refuse it.",
}


@dataclass(frozen=True, slots=True)
class Example:
    """A policy to begin with."""

    key: str
    title: str
    words: str
    policy: Mapping[str, Any]


EXAMPLES = (
    Example(
        "payments",
        "A person agrees to payments",
        "Every tool whose name begins with payments waits in the inbox.",
        {
            "name": "Payments need a person",
            "type": "approval",
            "mode": "pause",
            "match": {"tools": ["payments"]},
            "config": {"reason": "Money leaves the house."},
        },
    ),
    Example(
        "mail-outside",
        "Ask before mail leaves the company",
        "Mail is held where the recipient is named in the pattern; change example.com to the outside you mean.",
        {
            "name": "Mail to the outside",
            "type": "approval",
            "mode": "pause",
            "match": {"tools": ["comms.send_email"], "resources": {"to": ["*@example.com"]}},
            "config": {},
        },
    ),
    Example(
        "privacy",
        "Mask personal data",
        "Addresses, phone numbers, cards and account numbers in arguments are masked; recipients of mail stay.",
        {
            "name": "Mask personal data",
            "type": "data_privacy",
            "mode": "log",
            "match": {},
            "config": {"skip_fields": ["to", "cc", "bcc"]},
        },
    ),
    Example(
        "daily-cap",
        "No agent spends more than 5 dollars a day",
        "Calls of an agent that has spent that much are refused until the next day (UTC).",
        {
            "name": "Five dollars a day for each agent",
            "type": "cost",
            "mode": "block",
            "match": {},
            "config": {"per_agent": 5, "period": "day"},
        },
    ),
    Example(
        "words",
        "Nothing is promised",
        "Answers of models that promise something are held back.",
        {
            "name": "No promises",
            "type": "content",
            "mode": "log",
            "match": {},
            "config": {"deny": ["we guarantee", "legally binding"]},
        },
    ),
    Example(
        "label",
        "Label calls for the auditor",
        "Everything about customers carries a control of a regulation, and can be exported by it.",
        {
            "name": "GDPR: processing of customers",
            "type": "compliance",
            "mode": "log",
            "match": {"tools": ["crm"]},
            "config": {"framework": "GDPR", "controls": ["Art.30"]},
        },
    ),
)


@dataclass(frozen=True, slots=True)
class ConfigField:
    """One field of a type's configuration.

    Args:
        control: text, number, select, checks (several of some) or lines.
    """

    name: str
    label: str
    hint: str | None
    control: str
    options: tuple[tuple[str, str], ...]
    value: Any
    required: bool


def draft_of(policy: Policy) -> dict[str, Any]:
    """A policy as a form or JSON text says it."""
    told = policy.model_dump(mode="json", include={"name", "type", "mode", "match", "config", "channels", "enabled"})
    told["match"] = {name: value for name, value in told["match"].items() if value}
    return told


def config_fields(kind: PolicyType, config: Mapping[str, Any]) -> tuple[ConfigField, ...]:
    """The fields of a type with the values of a configuration."""
    schema = schema_of(kind)
    required = set(schema.get("required", ()))
    fields = []
    for name, facts in schema["properties"].items():
        label, hint = _LABELS.get(name, (name.replace("_", " ").capitalize(), None))
        plain = _plain(facts, schema)
        value = config.get(name, plain.get("default"))
        options = tuple((option, option.replace("_", " ")) for option in _enum(plain, schema))
        control = _control(plain, schema)
        if control == "select" and plain.get("default") is None:
            options = (("", "any"), *options)
        shown = _lines(value) if control == "lines" else value
        hint = hint or plain.get("description")
        fields.append(ConfigField(f"config.{name}", label, hint, control, options, shown, name in required))
    return tuple(fields)


def read_draft(form: Mapping[str, str], lists: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """What a form says, as the values of a `CreatePolicy`."""
    if form.get("view") == "json":
        return _read_json(form.get("json", ""))
    kind = _kind(form.get("type", ""))
    config: dict[str, Any] = {}
    for field in config_fields(kind, {}):
        name = field.name.removeprefix("config.")
        if field.control == "checks":
            config[name] = list(lists.get(field.name, ()))
        elif text := form.get(field.name, "").strip():
            config[name] = _read_lines(text, name) if field.control == "lines" else text
    match: dict[str, Any] = {name: _split(form.get(f"match.{name}", "")) for name in ("tools", "callers")}
    match["resources"] = _resources(form.get("match.resources", ""))
    return {
        "name": form.get("name", ""),
        "type": kind.value,
        "mode": form.get("mode", PolicyMode.LOG.value),
        "match": {name: value for name, value in match.items() if value},
        "config": config,
        "channels": list(lists.get("channels", ())),
        "enabled": form.get("enabled") == "true",
    }


def shown_match(match: Mapping[str, Any]) -> dict[str, str]:
    """The conditions as text for a form."""
    resources = match.get("resources", {})
    return {
        "tools": "\n".join(match.get("tools", ())),
        "callers": "\n".join(match.get("callers", ())),
        "resources": "\n".join(f"{name}: {', '.join(globs)}" for name, globs in resources.items()),
    }


def _read_json(text: str) -> dict[str, Any]:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise invalid(f"This is not JSON: {error}.", field="json") from error
    if not isinstance(value, dict):
        raise invalid("A policy is a JSON object.", field="json")
    unknown = set(value) - set(CreatePolicy.model_fields)
    if unknown:
        raise invalid(f"A policy has no field '{min(unknown)}'.", field="json")
    return value


def _kind(text: str) -> PolicyType:
    try:
        return PolicyType(text)
    except ValueError as error:
        raise invalid("There is no such type of policy.", field="type") from error


def _plain(facts: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """A property without the ways in which schemas say that it may be left out."""
    for option in facts.get("anyOf", ()):
        if option.get("type") != "null":
            return {**_plain(option, schema), "default": facts.get("default")}
    reference = facts.get("$ref", "")
    if reference:
        return {**schema["$defs"][reference.rpartition("/")[2]], **facts, "description": facts.get("description")}
    return facts


def _enum(plain: Mapping[str, Any], schema: Mapping[str, Any]) -> Sequence[str]:
    items = _plain(plain.get("items", {}), schema)
    return plain.get("enum") or items.get("enum") or ()


def _control(plain: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    if plain.get("type") == "array":
        return "checks" if _enum(plain, schema) else "lines"
    if "enum" in plain:
        return "select"
    return "number" if plain.get("type") == "number" else "text"


def _lines(value: Any) -> str:
    items = value or ()
    return "\n".join(f"{item['name']} = {item['regex']}" if isinstance(item, Mapping) else str(item) for item in items)


def _split(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _read_lines(text: str, name: str) -> list[Any]:
    if name != "patterns":
        return _split(text)
    found = []
    for line in _split(text):
        key, mark, regex = line.partition("=")
        if not mark:
            raise invalid("Write each pattern as: name = regular expression.", field="config.patterns")
        found.append({"name": key.strip(), "regex": regex.strip()})
    return found


def _resources(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in _split(text):
        name, mark, globs = line.partition(":")
        values = [glob.strip() for glob in globs.split(",") if glob.strip()]
        if not mark or not values:
            raise invalid("Write each line as: argument: pattern, pattern.", field="match.resources")
        found[name.strip()] = values
    return found
