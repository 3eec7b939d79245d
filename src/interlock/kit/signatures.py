"""Signed webhook calls: HMAC-SHA256 over the exact bytes, in the two forms receivers know.

Sources: Standard Webhooks 1.0.0 (`webhook-id`, `webhook-timestamp`, `webhook-signature` over `id.timestamp.body`), and
the plain form `sha256=<hex>` over the body, as GitHub made it common.
"""

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from interlock.kit.errors import unauthenticated

SECRET_PREFIX = "whsec_"  # noqa: S105 - the public prefix of every such secret, named by Standard Webhooks
STANDARD_ID, STANDARD_STAMP, STANDARD_SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
TOLERANCE = timedelta(minutes=5)
_VERSION = "v1"
_SCHEME = "sha256="
_KEY_BYTES = 32


def new_secret() -> str:
    """A fresh signing secret: `whsec_` and 256 random bits in base64."""
    return SECRET_PREFIX + base64.b64encode(os.urandom(_KEY_BYTES)).decode()


def standard_key(secret: str) -> bytes:
    """The key inside a Standard Webhooks secret.

    Raises:
        binascii.Error: it is none.
    """
    if not secret.startswith(SECRET_PREFIX):
        raise binascii.Error("no whsec_ prefix")
    return base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)


def key_of(secret: str) -> bytes:
    """The key by which any secret signs in the standard form: what `whsec_` text holds, else the text's own bytes."""
    try:
        return standard_key(secret)
    except binascii.Error:
        return secret.encode()


def standard_headers(message_id: str, at: datetime, body: bytes, keys: Sequence[bytes]) -> Mapping[str, str]:
    """The headers by which a receiver tells that a call is ours, fresh, and not a repeat.

    Args:
        message_id: the same for every attempt.
        keys: one signature each, so that a receiver may know either while a secret is being replaced.
    """
    stamp = str(int(at.timestamp()))
    signatures = (f"{_VERSION},{_standard(message_id, stamp, body, key)}" for key in keys)
    return {
        "Content-Type": "application/json",
        STANDARD_ID: message_id,
        STANDARD_STAMP: stamp,
        STANDARD_SIGNATURE: " ".join(signatures),
    }


def _standard(message_id: str, stamp: str, body: bytes, key: bytes) -> str:
    digest = hmac.digest(key, f"{message_id}.{stamp}.".encode() + body, hashlib.sha256)
    return base64.b64encode(digest).decode()


def plain_signature(body: bytes, secret: str) -> str:
    """`sha256=<hex>` over the body; the key is the secret's text as it was handed out."""
    return _SCHEME + hmac.digest(secret.encode(), body, hashlib.sha256).hex()


def check_plain(given: str, body: bytes, secret: str) -> None:
    """Refuse a plain signature that is not the body's, in constant time.

    Raises:
        InterlockError: unauthenticated.
    """
    expected = plain_signature(body, secret)
    if not hmac.compare_digest(expected.encode(), given.strip().lower().encode()):
        raise unauthenticated(
            "The signature does not fit the body.",
            hint="Send 'sha256=' and the hex HMAC-SHA256 of the exact bytes of the body, under the hook's secret.",
        )


def check_standard(headers: Mapping[str, str], body: bytes, secret: str, now: datetime) -> None:
    """Refuse a Standard Webhooks call that is not signed with the secret, or is too old or from the future.

    Args:
        headers: names in lower case.

    Raises:
        InterlockError: unauthenticated.
    """
    message_id, stamp = headers.get(STANDARD_ID, ""), headers.get(STANDARD_STAMP, "")
    if not message_id or not stamp.isascii() or not stamp.isdigit() or len(stamp) > len("99999999999"):
        raise unauthenticated(f"'{STANDARD_ID}' or '{STANDARD_STAMP}' is missing or wrong.")
    if abs(now.timestamp() - int(stamp)) > TOLERANCE.total_seconds():
        raise unauthenticated(
            f"'{STANDARD_STAMP}' is more than {int(TOLERANCE.total_seconds())} seconds away from now.",
            hint="Sign each attempt anew, and check the sender's clock.",
        )
    expected = f"{_VERSION},{_standard(message_id, stamp, body, key_of(secret))}".encode()
    given = headers.get(STANDARD_SIGNATURE, "").split()
    # Every one is compared, so that the time tells nothing of which came close.
    fits = [hmac.compare_digest(expected, each.encode()) for each in given]
    if not any(fits):
        raise unauthenticated(f"'{STANDARD_SIGNATURE}' holds no signature that fits.")
