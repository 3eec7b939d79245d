"""Routes about people, API keys and MCP clients."""

from interlock.domains.accounts.service import clients, keys, membership, people, sessions
from interlock.faces.rest.binding import NativeRoute, route
from interlock.faces.rest.wire.accounts import (
    ClientRegistered,
    ClientRevoked,
    ClientRotated,
    ClientRow,
    KeyCreated,
    KeyRow,
    MeReply,
    SessionReply,
    SignedInReply,
    UserReply,
    ValidKeyReply,
)
from interlock.faces.rest.wire.base import Deleted
from interlock.faces.web.credentials import KEYS, PEOPLE

ROUTES: tuple[NativeRoute, ...] = (
    route("POST", "/api/auth/sign-in", people.sign_in, SignedInReply, allowed=None),
    route("POST", "/api/auth/sign-out", people.sign_out, Deleted, allowed=PEOPLE),
    route("POST", "/api/auth/password", people.set_password, Deleted, allowed=PEOPLE),
    route("GET", "/api/auth/me", people.me, MeReply, allowed=PEOPLE),
    route("GET", "/api/auth/sessions", sessions.list_sessions, list[SessionReply], allowed=PEOPLE),
    route("POST", "/api/auth/sessions/end-others", sessions.end_other_sessions, list[SessionReply], allowed=PEOPLE),
    route("DELETE", "/api/auth/sessions/{session_id}", sessions.end_session, Deleted, allowed=PEOPLE),
    route("GET", "/api/auth/validate-key", keys.validate_key, ValidKeyReply, allowed=KEYS),
    route("GET", "/api/v1/users", people.list_users, list[UserReply]),
    route("POST", "/api/v1/users", people.add_user, UserReply),
    route("PATCH", "/api/v1/users/{user_id}", membership.update_user, UserReply),
    route("POST", "/api/v1/users/{user_id}/deactivate", membership.deactivate_user, UserReply),
    route("POST", "/api/v1/users/{user_id}/reactivate", membership.reactivate_user, UserReply),
    route("GET", "/api/v1/api-keys", keys.list_keys, list[KeyRow]),
    route("POST", "/api/v1/api-keys", keys.create_key, KeyCreated),
    route("DELETE", "/api/v1/api-keys/{key_id}", keys.revoke_key, Deleted),
    route("GET", "/api/mcp/clients", clients.list_clients, list[ClientRow]),
    route("POST", "/api/mcp/clients", clients.register_client, ClientRegistered),
    route("POST", "/api/mcp/clients/{client_id}/rotate", clients.rotate_client, ClientRotated),
    route("POST", "/api/mcp/clients/{client_id}/revoke", clients.revoke_client, ClientRevoked),
)
