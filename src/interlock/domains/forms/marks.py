"""The signed mark inside a form's page: when it was shown, and which one it is. It needs no memory on the server."""

import hmac
import secrets as random_source
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from interlock.domains.forms.views import FormId
from interlock.runtime.secrets import Secrets

LONGEST_OPEN = timedelta(days=1)
_NONCE_BYTES = 12
_MAC_DIGITS = 40
_MOST_DIGITS = 15


@dataclass(frozen=True, slots=True)
class PageMark:
    """One showing of a form's page."""

    shown_at: datetime
    nonce: str


def mint(secrets: Secrets, form_id: FormId, now: datetime) -> str:
    """A fresh mark, for one sending."""
    shown = str(int(now.timestamp() * 1000))
    nonce = random_source.token_hex(_NONCE_BYTES)
    return f"{shown}.{nonce}.{_mac(secrets, form_id, shown, nonce)}"


def read(secrets: Secrets, form_id: FormId, text: str, now: datetime) -> PageMark | None:
    """What a mark says; None when this server did not make it for this form, or made it too long ago."""
    shown, _, rest = text.partition(".")
    nonce, _, mac = rest.partition(".")
    if not (shown.isascii() and shown.isdecimal() and len(shown) <= _MOST_DIGITS):
        return None
    if not hmac.compare_digest(mac.encode(), _mac(secrets, form_id, shown, nonce).encode()):
        return None
    shown_at = datetime.fromtimestamp(int(shown) / 1000, UTC)
    if now - shown_at > LONGEST_OPEN:
        return None
    return PageMark(shown_at, nonce)


def _mac(secrets: Secrets, form_id: FormId, shown: str, nonce: str) -> str:
    return secrets.keyed_digest(["forms.page", str(form_id), shown, nonce])[:_MAC_DIGITS]
