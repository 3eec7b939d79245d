"""Secrets at rest: AES-256-GCM under a master key from the environment or a 0600 file; keys and tokens as SHA-256.

The master key's fingerprint is kept beside the encrypted data, so that a wrong key fails loudly at start.
"""

import base64
import binascii
import hashlib
import hmac
import os
import secrets as random_source
import stat
from pathlib import Path

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from interlock.kit.canonical import canonical_json
from interlock.kit.errors import InterlockError, Kind

_KEY_BYTES = 32
_NONCE_BYTES = 12
_VERSION = b"\x01"


class Secrets:
    """Encrypts and decrypts with the server's master key."""

    def __init__(self, key: bytes) -> None:
        if len(key) != _KEY_BYTES:
            raise InterlockError(
                Kind.INTERNAL,
                "The master key must be 32 bytes.",
                code="master_key_invalid",
                hint="Set INTERLOCK_MASTER_KEY to 32 random bytes in base64 (`openssl rand -base64 32`).",
            )
        self._cipher = AESGCM(key)
        self._digest_key = hmac.digest(key, b"interlock-digest-key", "sha256")
        self.fingerprint = hashlib.sha256(b"interlock-master-key" + key).hexdigest()[:32]

    def encrypt(self, plain: bytes, *, purpose: str) -> bytes:
        """Ciphertext bound to a purpose: moved elsewhere, it does not decrypt."""
        nonce = os.urandom(_NONCE_BYTES)
        return _VERSION + nonce + self._cipher.encrypt(nonce, plain, purpose.encode())

    def decrypt(self, sealed: bytes, *, purpose: str) -> bytes:
        """The plain bytes; raises when the key, the purpose or the data is not the one it was sealed with."""
        nonce, body = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            if sealed[:1] != _VERSION or len(nonce) < _NONCE_BYTES:
                raise InvalidTag
            return self._cipher.decrypt(nonce, body, purpose.encode())
        except InvalidTag as error:
            raise InterlockError(
                Kind.INTERNAL,
                f"A stored secret ({purpose}) cannot be decrypted with this master key.",
                code="master_key_wrong",
                hint="Start the server with the master key that the data was written with.",
            ) from error

    def keyed_digest(self, value: object) -> str:
        """HMAC-SHA256 of a JSON value, in hex: tells equal ones, and nobody without the key can try values out.

        A plain hash of a call's raw arguments would give a card number away to whoever hashes all of them.
        """
        return hmac.digest(self._digest_key, canonical_json(value), "sha256").hex()

    def encrypt_json(self, value: object, *, purpose: str) -> bytes:
        """A JSON value, sealed."""
        return self.encrypt(orjson.dumps(value), purpose=purpose)

    def decrypt_json(self, sealed: bytes, *, purpose: str) -> object:
        """The JSON value again."""
        value: object = orjson.loads(self.decrypt(sealed, purpose=purpose))
        return value


def hashed(secret: str) -> str:
    """SHA-256 of a high-entropy key or token; the only form in which one is stored."""
    return hashlib.sha256(secret.encode()).hexdigest()


def new_token(prefix: str) -> str:
    """A fresh credential with 256 bits of randomness, such as `sk_live_…`."""
    return prefix + random_source.token_urlsafe(_KEY_BYTES)


def load_secrets(data_dir: Path, configured: str | None) -> Secrets:
    """The master key from settings, else from `<data-dir>/master.key`, made with mode 0600 at first start."""
    if configured is not None:
        try:
            return Secrets(base64.b64decode(configured, validate=True))
        except ValueError:  # no base64, or no ASCII at all
            return Secrets(b"")
    path = data_dir / "master.key"
    if not path.exists():
        _write_new(path, base64.b64encode(os.urandom(_KEY_BYTES)))
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise InterlockError(
            Kind.INTERNAL,
            f"The master key file {path} can be read by others.",
            code="master_key_exposed",
            hint=f"Run `chmod 600 {path}`.",
        )
    try:
        return Secrets(base64.b64decode(path.read_bytes().strip(), validate=True))
    except binascii.Error:
        return Secrets(b"")


def _write_new(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        temporary.unlink()
