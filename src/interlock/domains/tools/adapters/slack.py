"""Slack: chat.postMessage. Slack answers 200 to refusals too and says `ok: false` in the body."""

from interlock.domains.tools.adapters.call import (
    AdapterCall,
    AdapterResult,
    Outgoing,
    failure,
    json_object,
    refusal,
    send,
    words,
)

_REASONS = {
    "channel_not_found": "there is no such channel, or the app cannot see it",
    "not_in_channel": "the app is not a member of the channel; invite it",
    "is_archived": "the channel is archived",
    "msg_too_long": "the text is longer than Slack allows",
    "no_text": "the text is empty",
    "ratelimited": "too many messages; try again later",
    "missing_scope": "the token lacks the scope chat:write",
    "not_authed": "no token is on file; connect Slack again",
    "invalid_auth": "the token is not accepted; connect Slack again",
    "token_expired": "the token has expired; connect Slack again",
    "token_revoked": "the token was revoked; connect Slack again",
    "account_inactive": "the account of the token is gone; connect Slack again",
}


async def post_message(call: AdapterCall) -> AdapterResult:
    """Post a message to a channel or a person."""
    request = Outgoing(
        "POST",
        "/api/chat.postMessage",
        headers={
            "Authorization": f"Bearer {call.target.credentials['token']}",
            "Content-Type": "application/json; charset=utf-8",
        },
        json={
            "channel": call.arguments["channel"],
            "text": call.arguments["text"],
            "metadata": {"event_type": "interlock_call", "event_payload": {"idempotency_key": call.key}},
        },
    )
    reply = await send(call, request)
    answer = json_object(reply, "Slack")
    if reply.status >= 500:
        raise refusal("Slack", reply.status, answer.get("error"))
    if answer.get("ok") is not True:
        code = words(answer.get("error") or f"status {reply.status}")
        meaning = f": {_REASONS[code]}" if code in _REASONS else ""
        raise failure(f"Slack refused ({code}){meaning}.", provider_code=code)
    channel, ts = str(answer.get("channel", "")), str(answer.get("ts", ""))
    return AdapterResult({"ok": True, "channel": channel, "ts": ts, "_cost_usd": 0}, f"{channel}/{ts}")
