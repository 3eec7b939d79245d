"""One spelling per JSON value, so that equal values have equal hashes whatever their key order.

Follows RFC 8785 (JSON Canonicalization Scheme) for what arises here: sorted keys, no spaces, shortest numbers.
"""

import hashlib
from typing import Any

import orjson


def canonical_json(value: Any) -> bytes:
    """The canonical bytes of a JSON value."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def digest(value: Any) -> str:
    """SHA-256 of the canonical bytes, in hex."""
    return hashlib.sha256(canonical_json(value)).hexdigest()
