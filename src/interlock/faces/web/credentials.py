"""From HTTP headers to a context; which kinds of credential a door accepts is the door's to say."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from starlette.requests import Request

from interlock.domains.accounts.service.identify import anonymous, identify
from interlock.domains.org import service as org
from interlock.faces.web.addresses import client_address
from interlock.kit.errors import InterlockError, Kind, unauthenticated
from interlock.runtime.context import ActorKind, Ctx, Runtime, WorkspaceId
from interlock.runtime.secrets import hashed

PEOPLE_AND_KEYS = frozenset({ActorKind.USER, ActorKind.KEY})
PEOPLE = frozenset({ActorKind.USER})
KEYS = frozenset({ActorKind.KEY})
CLIENTS = frozenset({ActorKind.CLIENT})
Owner = Callable[[Ctx], Awaitable[WorkspaceId]]
_PLATFORMS = "/api/platforms/"
SESSION_COOKIE = "interlock_session"
"""The sign-in of a person in a browser; the dashboard alone takes it, the APIs never do."""
PROVEN = "interlock.proven"
"""Where a request's scope holds the hash of a credential that was accepted."""


def credential_in(request: Request) -> str | None:
    """The API key or bearer a request carries, if any."""
    key = request.headers.get("x-api-key")
    if key is not None:
        return key.strip() or None
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def connection_token(path: str) -> str | None:
    """The credential that is part of a platform's webhook path."""
    if not path.startswith(_PLATFORMS):
        return None
    token, _, rest = path.removeprefix(_PLATFORMS).partition("/")
    return token if rest == "webhook" and token else None


async def caller(request: Request, face: str, allowed: frozenset[ActorKind] | None) -> Ctx:
    """The caller's context; with `allowed` None anybody may come, known or not.

    Raises:
        InterlockError: unauthenticated when the credential is missing, wrong or of a kind this door does not accept.
    """
    runtime: Runtime = request.app.state.runtime
    request_id: str = request.scope["interlock.request_id"]
    if allowed is None:
        return anonymous(runtime, request_id=request_id, face=face, source=client_address(request, runtime))
    credential = credential_in(request)
    if credential is None:
        raise unauthenticated(
            "A credential is missing.", hint="Send an API key in x-api-key, or a bearer token in Authorization."
        )
    ctx = await identify(runtime, credential, request_id=request_id, face=face)
    request.scope[PROVEN] = hashed(credential)
    if ctx.actor.kind not in allowed:
        names = " or ".join(sorted(kind.value.replace("_", " ") for kind in allowed))
        raise unauthenticated(f"This endpoint takes the credential of a {names}.")
    return ctx


async def visitor(request: Request, face: str, owner: Owner) -> Ctx:
    """The context of somebody who showed nothing but an address that a workspace made public.

    Args:
        owner: whose address it is; raises not_found when it is nobody's.
    """
    nobody = await caller(request, face, None)
    async with nobody.begin(write=False) as looking:
        workspace_id = await owner(looking)
        facts = await org.facts(looking, workspace_id)
    return replace(
        nobody,
        workspace_id=workspace_id,
        workspace_version=facts.rules_version,
        has_ai_access=facts.has_ai_access,
    )


async def still_accepted(request: Request, ctx: Ctx) -> bool:
    """Whether the credential that opened a stream would open it now: streams outlive keys and sign-ins."""
    try:
        await identify(ctx.runtime, credential_in(request) or "", request_id=ctx.request_id, face=ctx.face)
    except InterlockError as error:
        return error.kind is not Kind.UNAUTHENTICATED  # a database in trouble has revoked nothing
    return True
