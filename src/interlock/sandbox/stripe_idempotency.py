"""Stripe's idempotency keys, after https://docs.stripe.com/api/idempotent_requests: who may run, who gets a replay."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Stored:
    """The first answer a key got."""

    status: int
    body: bytes
    request_id: str


@dataclass(frozen=True)
class Conflict:
    """Why a key cannot be used for this request."""

    status: int
    type: str
    code: str | None
    message: str


@dataclass
class _Entry:
    path: str
    params: tuple[tuple[str, str], ...]
    stored: Stored | None = None


class IdempotencyKeys:
    """Keys by account; an entry without a stored answer is a request in progress."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str], _Entry] = {}

    def claim(self, account: str, key: str, path: str, params: tuple[tuple[str, str], ...]) -> Stored | Conflict | None:
        """Take a key for a request: None means go ahead, and then `store` or `release` must follow."""
        entry = self._entries.get((account, key))
        if entry is None:
            self._entries[account, key] = _Entry(path, params)
            return None
        other = f"Try using a key other than '{key}' if you meant to execute a different request."
        if entry.path != path:
            rule = "Keys for idempotent requests can only be used for the same endpoint they were first used for"
            message = f"{rule} ('{entry.path}' vs '{path}'). {other}"
            return Conflict(400, "idempotency_error", None, message)
        if entry.params != params:
            rule = "Keys for idempotent requests can only be used with the same parameters they were first used with."
            message = f"{rule} {other}"
            return Conflict(400, "idempotency_error", None, message)
        if entry.stored is None:
            message = (
                "There is currently another in-progress request using this Idempotent Key (that probably means you "
                f"submitted twice, and the other request is still going through): {key}. Please try again later."
            )
            return Conflict(409, "invalid_request_error", "idempotency_key_in_use", message)
        return entry.stored

    def store(self, account: str, key: str, answer: Stored) -> None:
        """Keep the first answer; it is what every later request with the key gets, failure or not."""
        self._entries[account, key].stored = answer

    def release(self, account: str, key: str) -> None:
        """Forget a key whose request never began to execute (its parameters were not valid)."""
        self._entries.pop((account, key), None)
