"""One spelling per JSON value, so that equal values have equal hashes whatever their key order.

As RFC 8785 (JSON Canonicalization Scheme) in what most values need: no spaces, UTF-8, sorted keys, minimal escapes.
Unlike it: keys sort by code point, not by UTF-16 unit, which differs beyond U+FFFF; integers are exact to 64 bits; a
float stays one (`1.0`, `-0.0`), and takes its exponent where orjson's shortest form has it (`1e+16`, `1e-6`).
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
