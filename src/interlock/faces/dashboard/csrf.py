"""Proof that a form was sent by one of our own pages: a token that only the session's holder can be shown.

The token follows from the session's secret and is masked anew on every page, so that compressed pages do not leak it
(https://breachattack.com; the masking is the one Django documents for its tokens).
"""

import base64
import binascii
import hmac
import os
from urllib.parse import urlsplit

from starlette.requests import Request

_SIZE = 32
_SAME = frozenset({"same-origin", "none"})


def token_for(session: str) -> str:
    """A fresh token for a page of this session."""
    pad = os.urandom(_SIZE)
    return base64.urlsafe_b64encode(pad + _mixed(pad, _secret(session))).decode()


def is_token_of(session: str, given: str) -> bool:
    """Whether a page of this session was given the token."""
    try:
        raw = base64.b64decode(given.encode("ascii"), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        return False
    return len(raw) == 2 * _SIZE and hmac.compare_digest(_mixed(raw[:_SIZE], raw[_SIZE:]), _secret(session))


def is_from_here(request: Request, base_url: str) -> bool:
    """Whether a browser says that the request comes from this very site; programs, which say nothing, may pass.

    Source: W3C Fetch Metadata (`Sec-Fetch-Site`) and RFC 6454 (`Origin`).
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in _SAME
    origin = request.headers.get("origin")
    if origin is None:
        return True
    return urlsplit(origin).netloc in {request.headers.get("host", ""), urlsplit(base_url).netloc}


def _secret(session: str) -> bytes:
    return hmac.digest(session.encode(), b"interlock dashboard form", "sha256")


def _mixed(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))
