"""The server's keys for evidence: Ed25519 keys that sign attestations, and one secret that seals entries.

They belong to the server, not to a workspace: the published key set is one public document without a tenant in its
address, and an outsider must be able to check an attestation without learning which workspaces exist. Private halves
are kept under the master key. Retired keys stay: their public half verifies for years, and an attestation asked for
again is signed as it first was.
"""

import base64
import hashlib
import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Row, bindparam, select, update

from interlock.domains.governance.ledger.models import KeyPurpose, ledger_keys
from interlock.domains.governance.ledger.views import Jwk, KeyId, SigningKey
from interlock.kit.canonical import canonical_json
from interlock.runtime.context import NO_WORKSPACE, Ctx
from interlock.runtime.repository import insert_if_absent

_FRESH = timedelta(seconds=60)
_SEED_BYTES = 32
_SEAL_KID = "ledger-seal"
_ALL = select(ledger_keys).where(ledger_keys.c.purpose == bindparam("purpose")).order_by(ledger_keys.c.id)
_BY_KID = select(ledger_keys).where(ledger_keys.c.kid == bindparam("kid"))


@dataclass(frozen=True, slots=True)
class Signer:
    """A signing key ready for use."""

    kid: str
    x: str
    private: Ed25519PrivateKey
    created_at: datetime
    retired_at: datetime | None

    @property
    def jwk(self) -> Jwk:
        """Its public half as published."""
        return Jwk(x=self.x, kid=self.kid)

    @property
    def view(self) -> SigningKey:
        """What its operator sees."""
        return SigningKey(kid=self.kid, created_at=self.created_at, retired_at=self.retired_at)


class KeyCache:
    """The keys one process holds in memory, so that signing and sealing read no row."""

    def __init__(self) -> None:
        self.seal: bytes | None = None
        self.signers: tuple[Signer, ...] = ()
        self.read_at: datetime | None = None


def _cache(ctx: Ctx) -> KeyCache:
    return ctx.runtime.local(KeyCache)


def _purpose_of(kid: str) -> str:
    return f"ledger-key:{kid}"


async def seal_key(ctx: Ctx) -> bytes:
    """The secret that marks entries as written by this server; made at first use, never rotated."""
    secret = await find_seal_key(ctx)
    if secret is None:
        if not ctx.the_unit().write:
            raise LookupError("no seal key exists yet and this unit of work only reads")
        await _keep(ctx, KeyPurpose.SEAL, _SEAL_KID, "", os.urandom(_SEED_BYTES))
        secret = await find_seal_key(ctx)
    if secret is None:
        raise LookupError("the seal key was not kept")
    return secret


async def find_seal_key(ctx: Ctx) -> bytes | None:
    """The same, or None where no entry was ever written (or the key is gone)."""
    cache = ctx.runtime.local(KeyCache)
    if cache.seal is not None:
        return cache.seal
    row = (await (await ctx.session()).execute(_BY_KID, {"kid": _SEAL_KID})).first()
    if row is None:
        return None
    secret = ctx.runtime.secrets.decrypt(row.sealed, purpose=_purpose_of(_SEAL_KID))
    ctx.the_unit().after_commit(lambda: setattr(cache, "seal", secret))
    return secret


async def signer_for(ctx: Ctx, at: datetime) -> Signer:
    """The key that was in force at a moment: asked twice for one entry, the answer stays the same over rotations."""
    known = await _signers(ctx)
    for signer in reversed(known):
        if signer.created_at <= at:
            return signer
    return known[0]


async def find_signer(ctx: Ctx, kid: str) -> Signer | None:
    """A key by its public id; one that another process has just made is found too."""
    for signer in _cache(ctx).signers:
        if signer.kid == kid:
            return signer
    row = (await (await ctx.session()).execute(_BY_KID, {"kid": kid})).first()
    return None if row is None or row.purpose is not KeyPurpose.ATTESTATION else _signer(ctx, row)


async def published(ctx: Ctx) -> tuple[Signer, ...]:
    """Every signing key, read from the database, because another process may have rotated."""
    return await _read(ctx)


async def ensure_keys(ctx: Ctx) -> None:
    """Make the first keys where there are none, so that the published key set is never empty."""
    await seal_key(ctx)
    await _signers(ctx)


async def rotate(ctx: Ctx) -> Signer:
    """Retire the signing key in force and put a fresh one in its place."""
    session = await ctx.session()
    await session.lock("ledger-keys")
    await session.execute(
        update(ledger_keys)
        .where(ledger_keys.c.purpose == KeyPurpose.ATTESTATION, ledger_keys.c.retired_at.is_(None))
        .values(retired_at=ctx.now)
    )
    await _make_signer(ctx)
    known = await _read(ctx)
    ctx.the_unit().after_commit(lambda: _remember(ctx, known))
    return known[-1]


async def _signers(ctx: Ctx) -> tuple[Signer, ...]:
    cache = _cache(ctx)
    if cache.signers and cache.read_at is not None and abs(ctx.now - cache.read_at) < _FRESH:
        return cache.signers
    known = await _read(ctx)
    if not known:
        if not ctx.the_unit().write:
            raise LookupError("no signing key exists yet and this unit of work only reads")
        await _make_signer(ctx)
        known = await _read(ctx)
    ctx.the_unit().after_commit(lambda: _remember(ctx, known))
    return known


async def _read(ctx: Ctx) -> tuple[Signer, ...]:
    rows = (await (await ctx.session()).execute(_ALL, {"purpose": KeyPurpose.ATTESTATION})).all()
    ready = {signer.kid: signer for signer in _cache(ctx).signers}
    return tuple(
        ready[row.kid] if row.kid in ready and ready[row.kid].retired_at == row.retired_at else _signer(ctx, row)
        for row in rows
    )


def _signer(ctx: Ctx, row: Row[Any]) -> Signer:
    seed = ctx.runtime.secrets.decrypt(row.sealed, purpose=_purpose_of(row.kid))
    return Signer(row.kid, row.public, Ed25519PrivateKey.from_private_bytes(seed), row.created_at, row.retired_at)


async def _make_signer(ctx: Ctx) -> None:
    private = Ed25519PrivateKey.generate()
    x = unpadded(private.public_key().public_bytes_raw())
    await _keep(ctx, KeyPurpose.ATTESTATION, thumbprint(x), x, private.private_bytes_raw())


async def _keep(ctx: Ctx, purpose: KeyPurpose, kid: str, public: str, secret: bytes) -> None:
    """Store a key, unless another process has stored one for the purpose in the meantime: then that one counts."""
    row = {
        "guid": KeyId.new(),
        "workspace_id": NO_WORKSPACE,
        "purpose": purpose,
        "kid": kid,
        "public": public,
        "sealed": ctx.runtime.secrets.encrypt(secret, purpose=_purpose_of(kid)),
        "created_at": ctx.now,
    }
    await insert_if_absent(ctx, ledger_keys, row)


def _remember(ctx: Ctx, known: tuple[Signer, ...]) -> None:
    cache = _cache(ctx)
    cache.signers, cache.read_at = known, ctx.now


def unpadded(data: bytes) -> str:
    """Base64url without padding, as JOSE writes bytes (RFC 7515)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def thumbprint(x: str) -> str:
    """The key id: the JWK thumbprint of the public key (RFC 7638)."""
    return unpadded(hashlib.sha256(canonical_json({"crv": "Ed25519", "kty": "OKP", "x": x})).digest())
