"""Signed webhook calls after Standard Webhooks 1.0.0: HMAC-SHA256 over `id.timestamp.body`."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime

_VERSION = "v1"


def headers(message_id: str, at: datetime, body: bytes, key: bytes) -> Mapping[str, str]:
    """The headers by which a receiver tells that a call is ours, fresh, and not a repeat.

    Args:
        message_id: the same for every attempt.
        key: the bytes behind the secret's `whsec_` text.
    """
    stamp = str(int(at.timestamp()))
    digest = hmac.digest(key, f"{message_id}.{stamp}.".encode() + body, hashlib.sha256)
    return {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": stamp,
        "webhook-signature": f"{_VERSION},{base64.b64encode(digest).decode()}",
    }
