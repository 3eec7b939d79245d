"""Mappers of what computes or acts: fields, code, HTTP, models, mail, chat, customers, payments."""

from collections.abc import Mapping
from typing import Any

import orjson

from interlock.domains.workflows.n8n.shapes import Made, Site, by_hand, shown
from interlock.domains.workflows.n8n.states import ImportOutcome
from interlock.domains.workflows.n8n.words import NoCounterpartError, literal, pieces

_DEFAULT_MODEL = "gpt-4o-mini"
_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
_LONGEST_URL = 2_000
_CALLED = ("stringValue", "numberValue", "booleanValue", "arrayValue", "objectValue", "value")


def pass_on(site: Site) -> Made:
    """Does nothing, here as there."""
    return Made("transform", {"expression": "input"})


def set_fields(site: Site) -> Made:
    """Fields of a new object, of every generation of the node's settings."""
    node = site.node
    if node.text("mode") in {"raw", "json"}:
        return _raw(site)
    found: dict[str, Any] = {}
    for item in (*node.items("assignments", "assignments"), *node.items("fields", "values")):
        value = next((item[name] for name in _CALLED if name in item), None)
        found[str(item.get("name", ""))[:200]] = _of_type(item.get("type"), value)
    older = node.get("values")
    for kind, items in older.items() if isinstance(older, Mapping) else ():
        for item in items if isinstance(items, list) else ():
            if isinstance(item, Mapping):
                found[str(item.get("name", ""))[:200]] = _of_type(kind, item.get("value"))
    if any("." in name for name in found):
        site.notes.append("Names with dots are kept as they are; n8n would nest them.")
    if node.version < 3:
        keeps = node.get("keepOnlySet") is not True
    else:
        keeps = node.get("includeOtherFields") is True or node.text("include", default="none") == "all"
    fields = {name: site.reader.template(value) for name, value in found.items() if name}
    return _noted(site, Made("transform", {"fields": fields, "keep_input": keeps}))


def _of_type(kind: Any, value: Any) -> Any:
    if isinstance(value, str) and not value.startswith("=") and kind not in ("string", "stringValue", None):
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            return value
    return value


def _raw(site: Site) -> Made:
    text = site.node.text("jsonOutput")
    try:
        if text.startswith("="):
            made = site.reader.operand(text)
            is_whole = len(pieces(text[1:])) == 1
            return Made("transform", {"expression": made if is_whole else f"parse_json({made})"})
        return Made("transform", {"expression": literal(orjson.loads(text))})
    except NoCounterpartError as reason:
        return by_hand(site, f"Its JSON could not be translated: {reason}. It was: {shown(text)}")
    except orjson.JSONDecodeError:
        return by_hand(site, f"Its JSON cannot be read: {shown(text)}")


def _noted(site: Site, made: Made) -> Made:
    """Partly mapped, where there was something to say."""
    if not site.notes and not site.reader.lost:
        return made
    return Made(made.kind, made.config, made.branches, ImportOutcome.PARTLY, made.then)


def split_out(site: Site) -> Made:
    """The list inside a field."""
    name = site.node.text("fieldToSplitOut")
    try:
        path = site.reader.expression(f"$json.{name}")
    except NoCounterpartError:
        return by_hand(site, f"The field it splits is not understood: {shown(name)}.")
    site.notes.append("The list goes on as one value; put a loop behind it to work item by item.")
    return _noted(site, Made("transform", {"expression": path}))


def code(site: Site) -> Made:
    """Code is not run here."""
    kept = site.node.text("jsCode") or site.node.text("pythonCode") or site.node.text("functionCode")
    return by_hand(site, f"Code is not imported. It was: {shown(kept)}")


def http(site: Site) -> Made:
    """A request; as in n8n the body of the answer goes on. What authenticates it is in no file."""
    node = site.node
    method, url = (node.text("method") or node.text("requestMethod") or "GET").upper(), node.text("url")
    if method not in _METHODS or not url.strip("= ") or len(url) > _LONGEST_URL:
        return by_hand(site, f"The request is not understood; it was {shown(method)} {shown(url)}.")
    config: dict[str, Any] = {"method": method, "url": site.reader.template(url)}
    if len(config["url"]) > 2 * _LONGEST_URL:
        return by_hand(site, f"Its address is too long: {shown(url)}.")
    for ours, theirs in (("headers", "header"), ("query", "query")):
        named = _named(site, f"{theirs}Parameters", f"{theirs}ParametersUi")
        if named:
            config[ours] = named
    if node.get("sendBody") is True:
        if node.text("contentType", default="json") != "json":
            return by_hand(site, f"A body of this sort is not imported: {shown(node.get('contentType'))}.")
        try:
            body = _body(site)
        except NoCounterpartError as reason:
            return by_hand(site, f"Its body could not be translated: {reason}.")
        if body:
            config["body"] = body
    if node.text("authentication", default="none") != "none":
        site.notes.append("Its credentials are not in the file; add the header that carries them.")
    made = Made("http", config, then=("transform", {"expression": "input.json ?? input.text ?? input"}))
    if not site.notes and not site.reader.lost:
        return made
    return Made(made.kind, made.config, made.branches, ImportOutcome.PARTLY, made.then)


def _named(site: Site, newer: str, older: str) -> dict[str, str]:
    """Headers or query parameters, of either generation of the node."""
    found = [*site.node.items(newer, "parameters"), *site.node.items(older, "parameter")]
    named = {str(item.get("name") or ""): site.reader.template(item.get("value", "")) for item in found[:100]}
    return {name: value for name, value in named.items() if name}


def _body(site: Site) -> Any:
    """The body to be sent as JSON: fields, or a text that holds JSON."""
    if site.node.text("specifyBody") != "json":
        return _named(site, "bodyParameters", "bodyParametersUi")
    text = site.node.text("jsonBody")
    if not text.startswith("="):
        return "{{ parse_json(" + literal(text) + ") }}"
    made = site.reader.operand(text)
    return "{{ " + (made if len(pieces(text[1:])) == 1 else f"parse_json({made})") + " }}"


def _model(site: Site) -> str:
    own = site.node.located("modelId") or site.node.located("model")
    for feeding in () if isinstance(own, str) and own else site.source.feeding(site.node.name, "ai_languageModel"):
        own = feeding.located("model") or feeding.located("modelName") or feeding.located("modelId")
    if isinstance(own, str) and own and not own.startswith("=") and len(own) <= 200:
        return own.removeprefix("models/")
    site.notes.append(f"No model is named in the file; '{_DEFAULT_MODEL}' stands in its place.")
    return _DEFAULT_MODEL


def _asked(site: Site, prompt: str, system: str, options: Mapping[str, Any] | None = None) -> Made:
    """A model that is asked."""
    config: dict[str, Any] = {"model": _model(site), "prompt": prompt or "{{ text(input) }}"}
    if system:
        config["system_prompt"] = system
    temperature = (options or {}).get("temperature")
    if isinstance(temperature, int | float) and not isinstance(temperature, bool) and 0 <= temperature <= 2:
        config["temperature"] = temperature
    most = (options or {}).get("maxTokens")
    if isinstance(most, int) and not isinstance(most, bool) and 1 <= most <= 1_000_000:
        config["max_tokens"] = most
    return _noted(site, Made("ai", config))


def openai(site: Site) -> Made:
    """A chat with a model of OpenAI; its other resources have no counterpart."""
    node = site.node
    resource, operation = node.text("resource", default="text"), node.text("operation", default="message")
    if resource not in {"text", "chat"} or operation not in {"message", "complete", "response"}:
        return by_hand(site, f"'{shown(node.get('resource'))}' of OpenAI has no counterpart.")
    messages = node.items("messages", "values") or node.items("prompt", "messages") or node.items("responses", "values")
    said = [(item.get("role", "user"), site.reader.template(item.get("content", ""))) for item in messages]
    system = "\n\n".join(words for role, words in said if role == "system")
    prompt = "\n\n".join(words for role, words in said if role != "system")
    if isinstance(node.get("prompt"), str):
        prompt = site.reader.template(node.text("prompt"))
    options = node.get("options")
    return _asked(site, prompt, system, options if isinstance(options, Mapping) else None)


def agent(site: Site) -> Made:
    """An agent or a chain: its model is asked; tools and memory are not attached by a file."""
    node = site.node
    given = node.get("text") if node.get("promptType") == "define" or node.get("text") else "={{ $json.chatInput }}"
    system = node.get("options", "systemMessage") or node.get("messages", "messageValues")
    if isinstance(system, list):
        system = "\n\n".join(str(item.get("message", "")) for item in system if isinstance(item, Mapping))
    tools = [tool.name for tool in site.source.feeding(node.name, "ai_tool")]
    if tools:
        site.notes.append(
            f"Its tools are not attached ({shown(', '.join(tools))}): define an agent with tools of the catalogue"
            " and use an 'agent' node."
        )
    if any(True for _ in site.source.feeding(node.name, "ai_memory")):
        site.notes.append("Its memory is not attached; turn 'use_memory' on to have memories join the prompt.")
    prompt = site.reader.template(given)
    return _asked(site, prompt, site.reader.template(system) if system else "")


def classify(site: Site) -> Made:
    """Labels by meaning; n8n asks a model, here the embedded one finds the nearest."""
    labels: list[dict[str, str]] = []
    seen: set[str] = set()
    for item in site.node.items("categories", "categories"):
        name = str(item.get("category", "")).strip()[:80]
        if name and name not in {"other", "error", *seen}:
            seen.add(name)
            labels.append({"name": name, "description": str(item.get("description") or "")[:2_000]})
    if not 2 <= len(labels) <= 100:
        return by_hand(site, "It has fewer than two categories, or too many.")
    site.notes.append("The nearest label is found by meaning, without asking a model.")
    text = site.reader.template(site.node.get("inputText") or "={{ $json.text }}")
    branches = (*(label["name"] for label in labels), "other")
    return _noted(site, Made("classify", {"text": text, "labels": labels}, branches))


def _tool(site: Site, name: str, arguments: Mapping[str, Any]) -> Made:
    filled = {key: site.reader.template(value) for key, value in arguments.items() if value is not None and value != ""}
    return _noted(site, Made("tool", {"tool": name, "arguments": filled}))


def slack(site: Site) -> Made:
    """A message to a channel or a person."""
    node = site.node
    if node.text("resource", default="message") != "message" or node.text("operation", default="post") not in {
        "post",
        "send",
    }:
        return by_hand(site, f"Slack's '{shown(node.get('resource'))}: {shown(node.get('operation'))}' has no tool.")
    channel = node.located("channelId") or node.located("channel") or node.located("user")
    return _tool(site, "comms.send_slack_message", {"channel": channel, "text": node.get("text")})


def mail(site: Site) -> Made:
    """A mail that is sent."""
    node = site.node
    if node.text("resource", default="message") != "message" or node.text("operation", default="send") != "send":
        return by_hand(site, f"The mailbox's '{shown(node.get('operation'))}' has no tool.")
    body = node.get("message") or node.get("text") or node.get("html")
    if node.get("emailType") == "html" or (node.get("html") and not node.get("text")):
        site.notes.append("Mail is sent as plain text; the HTML goes out as it is written.")
    to = node.get("sendTo") or node.get("toEmail") or node.get("toList")
    to = ", ".join(map(str, to)) if isinstance(to, list) else to
    return _tool(site, "comms.send_email", {"to": to, "subject": node.get("subject"), "body": body})


def hubspot(site: Site) -> Made:
    """A contact that is created, or found as it stands."""
    node = site.node
    if node.text("resource", default="contact") != "contact" or node.text("operation", default="upsert") not in {
        "upsert",
        "create",
    }:
        return by_hand(site, f"HubSpot's '{shown(node.get('resource'))}: {shown(node.get('operation'))}' has no tool.")
    first = node.get("additionalFields", "firstName")
    last = node.get("additionalFields", "lastName")
    return _tool(site, "crm.create_contact", {"email": node.get("email"), "first_name": first, "last_name": last})


def stripe(site: Site) -> Made:
    """A refund; everything else that n8n does with Stripe has no tool."""
    node = site.node
    if node.get("resource") != "refund" or node.text("operation", default="create") != "create":
        return by_hand(site, f"Stripe's '{shown(node.get('resource'))}: {shown(node.get('operation'))}' has no tool.")
    charge = node.get("chargeId") or node.get("charge")
    return _tool(site, "payments.create_refund", {"charge_id": charge, "amount_cents": node.get("amount")})
