"""Stripe v1 charges and refunds with idempotency keys, after https://docs.stripe.com/api/refunds and /api/errors."""

import asyncio
import base64
import binascii
import itertools
import json
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from interlock.sandbox.faults import ProviderName
from interlock.sandbox.state import SandboxState
from interlock.sandbox.stripe_data import REASONS, money, new_refund, seeded_charges
from interlock.sandbox.stripe_idempotency import Conflict, IdempotencyKeys, Stored
from interlock.sandbox.wire import bearer_token, json_error

_KEY = re.compile(r"(sk|rk)_test_[A-Za-z0-9]+")
_REFUND_PARAMS = re.compile(r"amount|charge|payment_intent|reason|metadata\[[^\]]+\]|expand\[\d*\]")
_NO_KEY = (
    "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth "
    "(e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See https://stripe.com/docs/api#authentication for details, or "
    "we can help at https://support.stripe.com/."
)
_TOO_FAST = "Too many requests hit the API too quickly. We recommend an exponential backoff of your requests."
_MAX_KEY = 255
_MAX_PAGE = 100
Params = tuple[tuple[str, str], ...]


class StripeError(Exception):
    """A failure in Stripe's terms; `executed` says the endpoint ran, so an idempotency key keeps the answer."""

    def __init__(
        self, status: int, message: str, *, type: str = "invalid_request_error", code: str | None = None,
        param: str | None = None, executed: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(message)
        self.status = status
        self.executed = executed
        error = {"message": message, "type": type}
        if code:
            error |= {"code": code, "doc_url": f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}"}
        if param:
            error["param"] = param
        self.payload = {"error": error}


class Stripe:
    """A test-mode account with a few seeded charges."""

    name = ProviderName.STRIPE
    rate_limited = json_error({"error": {"message": _TOO_FAST, "type": "invalid_request_error", "code": "rate_limit"}})
    server_error = json_error(
        {"error": {"message": "Sorry! There was an error while talking to one of our backends.", "type": "api_error"}}
    )
    lying = server_error

    def __init__(self, state: SandboxState) -> None:
        self._state = state
        self.clear()

    def clear(self) -> None:
        """Back to the seeded charges and no refunds."""
        self._ids = itertools.count(1)
        self._charges = seeded_charges()
        self._refunds: dict[str, dict[str, Any]] = {}
        self._keys = IdempotencyKeys()

    def routes(self) -> Sequence[Route]:
        """The v1 paths served."""
        return [
            Route("/v1/refunds", self._answering(self._create_refund), methods=["POST"]),
            Route("/v1/refunds", self._answering(self._list_refunds), methods=["GET"]),
            Route("/v1/refunds/{id}", self._answering(self._get_refund), methods=["GET"]),
            Route("/v1/charges/{id}", self._answering(self._get_charge), methods=["GET"]),
            Route("/{path:path}", self._answering(self._unknown_path), methods=["GET", "POST", "DELETE"]),
        ]

    def _answering(
        self, work: Callable[[Request, Params], Awaitable[dict[str, Any]]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """Wrap an endpoint in Stripe's authentication, idempotency and error object."""

        async def answer(request: Request) -> Response:
            request_id = f"req_{next(self._ids):014d}"
            try:
                account = self._account(request)
                params: Params = tuple(sorted(await _read_params(request)))
                key = request.headers.get("idempotency-key") if request.method == "POST" else None
                if key is not None:
                    return await self._idempotently(account, key, request, params, work, request_id)
                return _response(200, _encoded(await work(request, params)), request_id)
            except StripeError as error:
                return _response(error.status, _encoded(error.payload), request_id)

        return answer

    async def _idempotently(
        self, account: str, key: str, request: Request, params: Params,
        work: Callable[[Request, Params], Awaitable[dict[str, Any]]], request_id: str,
    ) -> Response:  # fmt: skip
        if not key or len(key) > _MAX_KEY:
            raise StripeError(400, f"Idempotency key length is 0 or greater than {_MAX_KEY} characters.")
        path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
        held = self._keys.claim(account, key, path, params)
        headers = {"idempotency-key": key}
        if isinstance(held, Conflict):
            raise StripeError(held.status, held.message, type=held.type, code=held.code)
        if isinstance(held, Stored):
            headers |= {"idempotent-replayed": "true", "original-request": held.request_id}
            return _response(held.status, held.body, request_id, headers)
        status, kept = 200, False
        try:
            body = _encoded(await work(request, params))
            kept = True
        except StripeError as error:
            status, body, kept = error.status, _encoded(error.payload), error.executed
        finally:
            # Also on cancellation: a request that never finished leaves its key free, as one that never began.
            if not kept:
                self._keys.release(account, key)
        if kept:
            self._keys.store(account, key, Stored(status, body, request_id))
            headers["original-request"] = request_id
        return _response(status, body, request_id, headers)

    async def _create_refund(self, request: Request, params: Params) -> dict[str, Any]:
        fields = _validated_refund(params)
        await asyncio.sleep(self._state.settings.stripe_processing_seconds)
        charge = self._refundable(fields)
        left = charge["amount"] - charge["amount_refunded"]
        amount = int(fields["amount"]) if "amount" in fields else left
        if amount > left:
            limit = "charge amount" if left == charge["amount"] else "unrefunded amount on charge"
            message = f"Refund amount ({money(amount)}) is greater than {limit} ({money(left)})"
            raise StripeError(400, message, param="amount", executed=True)
        metadata = {name[9:-1]: value for name, value in fields.items() if name.startswith("metadata[")}
        refund = new_refund(next(self._ids), charge, amount, fields.get("reason"), metadata)
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]
        self._refunds[refund["id"]] = refund
        self._state.happened(request, "refund", dict(refund))
        return refund

    def _refundable(self, fields: dict[str, str]) -> dict[str, Any]:
        wanted = fields.get("charge")
        if wanted is None:
            intent = fields["payment_intent"]
            found = next((c for c in self._charges.values() if c["payment_intent"] == intent), None)
            if found is None:
                raise _missing("payment_intent", intent, "payment_intent", executed=True)
        elif wanted not in self._charges:
            raise _missing("charge", wanted, "charge", executed=True)
        else:
            found = self._charges[wanted]
        if found["disputed"]:
            message = f"Charge {found['id']} has been charged back; cannot issue a refund."
            raise StripeError(400, message, code="charge_disputed", executed=True)
        if found["refunded"]:
            message = f"Charge {found['id']} has already been refunded."
            raise StripeError(400, message, code="charge_already_refunded", executed=True)
        return found

    async def _get_charge(self, request: Request, _params: Params) -> dict[str, Any]:
        wanted = request.path_params["id"]
        if wanted not in self._charges:
            raise _missing("charge", wanted, "id")
        return self._charges[wanted]

    async def _get_refund(self, request: Request, _params: Params) -> dict[str, Any]:
        wanted = request.path_params["id"]
        if wanted not in self._refunds:
            raise _missing("refund", wanted, "id")
        return self._refunds[wanted]

    async def _list_refunds(self, _request: Request, params: Params) -> dict[str, Any]:
        fields = dict(params)
        limit = _integer("limit", fields.get("limit", "10"))
        if limit > _MAX_PAGE:
            raise StripeError(400, f"Invalid integer: {limit} (must be at most {_MAX_PAGE})", param="limit")
        rows = [
            row for row in reversed(self._refunds.values())
            if fields.get("charge", row["charge"]) == row["charge"]
            and fields.get("payment_intent", row["payment_intent"]) == row["payment_intent"]
        ]  # fmt: skip
        after = fields.get("starting_after")
        if after is not None:
            if after not in self._refunds:
                raise _missing("refund", after, "starting_after")
            rows = [row for row in rows if row["id"] < after]
        return {"object": "list", "url": "/v1/refunds", "has_more": len(rows) > limit, "data": rows[:limit]}

    async def _unknown_path(self, request: Request, _params: Params) -> dict[str, Any]:
        path = f"/{request.path_params['path']}"
        help_ = "Please see https://stripe.com/docs or we can help at https://support.stripe.com/."
        message = f"Unrecognized request URL ({request.method}: {path}). {help_}"
        raise StripeError(404, message)

    def _account(self, request: Request) -> str:
        key = bearer_token(request) or _basic_user(request)
        if not key:
            raise StripeError(401, _NO_KEY)
        if not _KEY.fullmatch(key) or self._state.refuses(self.name, key):
            shown = f"{key[:8]}{'*' * max(len(key) - 12, 4)}{key[-4:]}"
            raise StripeError(401, f"Invalid API Key provided: {shown}")
        return key


async def _read_params(request: Request) -> list[tuple[str, str]]:
    text = (await request.body()).decode() if request.method == "POST" else request.url.query
    return parse_qsl(text, keep_blank_values=True)


def _validated_refund(params: Params) -> dict[str, str]:
    fields = dict(params)
    for name in fields:
        if not _REFUND_PARAMS.fullmatch(name):
            raise StripeError(400, f"Received unknown parameter: {name}", code="parameter_unknown", param=name)
    if "charge" not in fields and "payment_intent" not in fields:
        message = "One of the following params should be provided for this request: payment_intent or charge."
        raise StripeError(400, message, code="parameter_missing", param="charge")
    if "amount" in fields:
        _integer("amount", fields["amount"])
    if fields.get("reason", REASONS[0]) not in REASONS:
        message = "Invalid reason: must be one of duplicate, fraudulent, or requested_by_customer"
        raise StripeError(400, message, param="reason")
    return fields


def _integer(name: str, text: str) -> int:
    if not re.fullmatch(r"-?\d+", text):
        raise StripeError(400, f"Invalid integer: {text}", code="parameter_invalid_integer", param=name)
    if int(text) < 1:
        message = "This value must be greater than or equal to 1."
        raise StripeError(400, message, code="parameter_invalid_integer", param=name)
    return int(text)


def _missing(kind: str, wanted: str, param: str, *, executed: bool = False) -> StripeError:
    message = f"No such {kind}: '{wanted}'"
    return StripeError(404, message, code="resource_missing", param=param, executed=executed)


def _basic_user(request: Request) -> str | None:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[0] or None
    except (binascii.Error, UnicodeDecodeError):
        return None


def _encoded(payload: dict[str, Any]) -> bytes:
    return json.dumps(payload, indent=2).encode()


def _response(status: int, body: bytes, request_id: str, headers: dict[str, str] | None = None) -> Response:
    base = {"request-id": request_id, "stripe-version": "2026-09-30.clover", "stripe-should-retry": _retry(status)}
    return Response(body, status, {**base, **(headers or {})}, media_type="application/json")


def _retry(status: int) -> str:
    return "true" if status == 409 or status >= 500 else "false"
