"""HubSpot CRM v3 contacts: create, read, update, search; after https://developers.hubspot.com/docs/api-reference/crm-contacts-v3."""

import itertools
import json
import re
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from interlock.sandbox.faults import ProviderName
from interlock.sandbox.state import SandboxState
from interlock.sandbox.wire import bearer_token, json_error, json_object

PROPERTIES = frozenset(
    {
        *("email", "firstname", "lastname", "phone", "company", "website", "jobtitle", "lifecyclestage"),
        *("address", "city", "state", "zip", "country", "hs_lead_status", "hubspot_owner_id", "message"),
    }
)
DEFAULT_PROPERTIES = ("createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname")
FIRST_ID = 51_001
MAX_SEARCH = 200
_TOKEN = re.compile(r"pat-[A-Za-z0-9-]+")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_AUTH_MESSAGE = (
    "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more details "
    "at https://developers.hubspot.com/docs/methods/auth/oauth-overview"
)
_LIMIT_MESSAGE = "You have reached your ten_secondly_rolling limit."


def _error(category: str, message: str, **more: Any) -> dict[str, Any]:
    return {"status": "error", "message": message, "correlationId": str(uuid.uuid4()), "category": category, **more}


class Hubspot:
    """A CRM holding contacts, unique by e-mail address."""

    name = ProviderName.HUBSPOT
    rate_limited = json_error(
        _error("RATE_LIMITS", _LIMIT_MESSAGE, errorType="RATE_LIMIT", policyName="TEN_SECONDLY_ROLLING")
    )
    server_error = json_error(_error("INTERNAL_ERROR", "internal error"))
    lying = json_error(_error("INTERNAL_ERROR", "internal error"))

    def __init__(self, state: SandboxState) -> None:
        self._state = state
        self.clear()

    def clear(self) -> None:
        """Back to no contacts."""
        self._ids = itertools.count(FIRST_ID)
        self._contacts: dict[str, dict[str, Any]] = {}

    def routes(self) -> Sequence[Route]:
        """The contact paths served."""
        base = "/crm/v3/objects/contacts"
        return [
            Route(base, self.create, methods=["POST"]),
            Route(f"{base}/search", self.search, methods=["POST"]),
            Route(f"{base}/{{id}}", self.read, methods=["GET"]),
            Route(f"{base}/{{id}}", self.update, methods=["PATCH"]),
        ]

    async def create(self, request: Request) -> JSONResponse:
        """Create a contact; an address already there is a conflict that names the existing id."""
        if refused := self._refusal(request):
            return refused
        properties, problem = await _properties(request)
        if problem:
            return JSONResponse(problem, 400)
        address = properties.get("email", "").lower()
        if address and (existing := self._by_email(address)):
            message = f"Contact already exists. Existing ID: {existing['id']}"
            return JSONResponse(_error("CONFLICT", message), 409)
        now = _timestamp()
        contact_id = str(next(self._ids))
        stored = {**properties, "createdate": now, "lastmodifieddate": now, "hs_object_id": contact_id}
        if address:
            stored["email"] = address
        contact = {"id": contact_id, "properties": stored, "createdAt": now, "updatedAt": now, "archived": False}
        self._contacts[contact_id] = contact
        self._state.happened(request, "contact", {"id": contact_id, "properties": dict(stored)})
        return JSONResponse(contact, 201, headers={"location": f"/crm/v3/objects/contacts/{contact_id}"})

    async def read(self, request: Request) -> JSONResponse:
        """One contact by id, or by address with idProperty=email."""
        if refused := self._refusal(request):
            return refused
        contact = self._find(request)
        if contact is None:
            return _not_found(request)
        wanted = [name for value in request.query_params.getlist("properties") for name in value.split(",")]
        return JSONResponse(_selected(contact, wanted))

    async def update(self, request: Request) -> JSONResponse:
        """Change properties of a contact."""
        if refused := self._refusal(request):
            return refused
        contact = self._find(request)
        if contact is None:
            return _not_found(request)
        properties, problem = await _properties(request)
        if problem:
            return JSONResponse(problem, 400)
        now = _timestamp()
        contact["properties"].update(properties, lastmodifieddate=now)
        contact["updatedAt"] = now
        self._state.happened(request, "contact_update", {"id": contact["id"], "properties": properties})
        return JSONResponse(contact)

    async def search(self, request: Request) -> JSONResponse:
        """Contacts that satisfy every filter of any group."""
        if refused := self._refusal(request):
            return refused
        body = await json_object(request)
        if body is None:
            return JSONResponse(_error("VALIDATION_ERROR", "Invalid input JSON"), 400)
        limit = body.get("limit", 10)
        if not isinstance(limit, int) or not 0 <= limit <= MAX_SEARCH:
            return JSONResponse(_error("VALIDATION_ERROR", f"limit must be at most {MAX_SEARCH}"), 400)
        after = str(body.get("after") or "0")
        if not after.isdecimal():
            return JSONResponse(_error("VALIDATION_ERROR", f"Invalid 'after' cursor: {after}"), 400)
        start = int(after)
        groups = [group.get("filters", []) for group in body.get("filterGroups", [])]
        unknown = {f.get("operator") for group in groups for f in group} - set(_OPERATORS)
        if unknown:
            return JSONResponse(_error("VALIDATION_ERROR", f"Invalid operator: {min(map(str, unknown))}"), 400)
        found = [
            contact for contact in self._contacts.values()
            if (not groups or any(all(_satisfies(contact, f) for f in group) for group in groups))
            and _mentions(contact, str(body.get("query") or ""))
        ]  # fmt: skip
        page = found[start : start + limit]
        answer: dict[str, Any] = {
            "total": len(found),
            "results": [_selected(contact, body.get("properties") or []) for contact in page],
        }
        if start + limit < len(found):
            answer["paging"] = {"next": {"after": str(start + limit)}}
        return JSONResponse(answer)

    def _refusal(self, request: Request) -> JSONResponse | None:
        token = bearer_token(request)
        if token is None or not _TOKEN.fullmatch(token) or self._state.refuses(self.name, token):
            return JSONResponse(
                _error("INVALID_AUTHENTICATION", _AUTH_MESSAGE), 401,
                headers={"x-hubspot-auth-failure": "401 Unauthorized"},
            )  # fmt: skip
        return None

    def _find(self, request: Request) -> dict[str, Any] | None:
        wanted = request.path_params["id"]
        if request.query_params.get("idProperty") == "email":
            return self._by_email(wanted.lower())
        return self._contacts.get(wanted)

    def _by_email(self, address: str) -> dict[str, Any] | None:
        return next((c for c in self._contacts.values() if c["properties"].get("email") == address), None)


_OPERATORS: dict[str, Callable[[str | None, dict[str, Any]], bool]] = {
    "EQ": lambda value, f: value is not None and value.lower() == str(f.get("value", "")).lower(),
    "NEQ": lambda value, f: value is None or value.lower() != str(f.get("value", "")).lower(),
    "IN": lambda value, f: value is not None and value.lower() in [str(v).lower() for v in f.get("values", [])],
    "HAS_PROPERTY": lambda value, _: value is not None,
    "NOT_HAS_PROPERTY": lambda value, _: value is None,
    "CONTAINS_TOKEN": lambda value, f: (
        value is not None and str(f.get("value", "")).strip("*").lower() in value.lower()
    ),
}


def _satisfies(contact: dict[str, Any], condition: dict[str, Any]) -> bool:
    value = contact["properties"].get(condition.get("propertyName"))
    return _OPERATORS[condition["operator"]](value, condition)


def _mentions(contact: dict[str, Any], words: str) -> bool:
    return not words or any(words.lower() in str(value).lower() for value in contact["properties"].values())


def _selected(contact: dict[str, Any], wanted: list[str]) -> dict[str, Any]:
    names = (*DEFAULT_PROPERTIES[:1], *DEFAULT_PROPERTIES[3:5], *wanted) if wanted else DEFAULT_PROPERTIES
    return {**contact, "properties": {name: contact["properties"].get(name) for name in names}}


async def _properties(request: Request) -> tuple[dict[str, str], dict[str, Any] | None]:
    body = await json_object(request)
    if body is None or not isinstance(body.get("properties"), dict):
        return {}, _error("VALIDATION_ERROR", "Invalid input JSON: 'properties' must be an object")
    properties = {str(name): "" if value is None else str(value) for name, value in body["properties"].items()}
    wrong = [
        {"isValid": False, "message": f'Property "{name}" does not exist', "error": "PROPERTY_DOESNT_EXIST",
         "name": name, "localizedErrorMessage": f'Property "{name}" does not exist'}
        for name in properties if name not in PROPERTIES
    ]  # fmt: skip
    address = properties.get("email")
    if address and not _EMAIL.fullmatch(address):
        message = f"Email address {address} is invalid"
        wrong.append({"isValid": False, "message": message, "error": "INVALID_EMAIL", "name": "email"})
    if wrong:
        return {}, _error("VALIDATION_ERROR", f"Property values were not valid: {json.dumps(wrong)}")
    return properties, None


def _not_found(request: Request) -> JSONResponse:
    return JSONResponse(
        _error("OBJECT_NOT_FOUND", "Object not found.  objectId are usually numeric.",
               context={"id": [request.path_params["id"]]}), 404,
    )  # fmt: skip


def _timestamp() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
