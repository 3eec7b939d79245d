"""Attestations: compact EdDSA JWTs over one entry (RFC 7519, RFC 8037), signed without reading a row."""

from datetime import datetime

import orjson

from interlock.domains.governance.ledger.keys import Signer, signer_for, unpadded
from interlock.domains.governance.ledger.views import (
    ATTESTATION_PREFIX,
    PROVISIONAL,
    Attestation,
    EntryEvent,
    LedgerEntry,
)
from interlock.runtime.context import Ctx

AUDIENCE = "mcp-governance"
DEFAULT_ISSUER = "interlock"


async def attest(ctx: Ctx, entry: LedgerEntry, *, decision: str | None = None, tool: str | None = None) -> Attestation:
    """Sign an entry for the caller.

    Everything in it follows from the entry and the key in force at its time: asked again, it is the same.

    Args:
        entry: what is attested.
        decision: where the entry itself carries none (an outcome): that of its check.
        tool: likewise.
    """
    signer = await signer_for(ctx, entry.at)
    issued = int(entry.at.timestamp())
    jti = _jti(entry)
    claims = {
        "iss": ctx.settings.public_url or DEFAULT_ISSUER,
        "aud": AUDIENCE,
        "sub": str(ctx.actor.user_id or ctx.actor.id or ctx.workspace_id),
        "jti": jti,
        "iat": issued,
        "nbf": issued,
        "exp": _years_later(entry.at, ctx.settings.attestation_years),
        "audit_id": str(entry.id),
        "tool": entry.tool or tool,
        "decision": entry.decision or decision,
        "check_id": entry.check_id,
        "outcome": entry.outcome,
        "args_hash": entry.args_hash,
    }
    return Attestation(
        jwt=_sign(signer, {name: value for name, value in claims.items() if value is not None}), kid=signer.kid, jti=jti
    )


def _jti(entry: LedgerEntry) -> str:
    """An attestation's id; that of a check's one final outcome follows from the check, which tells it in advance."""
    if entry.event is not EntryEvent.OUTCOME or entry.check_id is None or (entry.extra or {}).get(PROVISIONAL):
        return entry.id.render(ATTESTATION_PREFIX)
    return f"{ATTESTATION_PREFIX}_{entry.check_id.rpartition('_')[2]}"


def _sign(signer: Signer, claims: dict[str, object]) -> str:
    header = unpadded(orjson.dumps({"alg": "EdDSA", "typ": "JWT", "kid": signer.kid}))
    signed = f"{header}.{unpadded(orjson.dumps(claims))}"
    return f"{signed}.{unpadded(signer.private.sign(signed.encode()))}"


def _years_later(moment: datetime, years: int) -> int | None:
    """The same day that many years on; None when attestations never expire."""
    if years == 0:
        return None
    try:
        later = moment.replace(year=moment.year + years)
    except ValueError:
        later = moment.replace(year=moment.year + years, day=28)
    return int(later.timestamp())
