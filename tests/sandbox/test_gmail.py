import base64
from email.message import EmailMessage

import httpx

from interlock.sandbox import ProviderName, Sandbox

SEND = "/gmail/v1/users/me/messages/send"


def _raw(to: str | None = "maya@fernleaf.example", text: str = "Grüße,\nNorthwind\n") -> str:
    mail = EmailMessage()
    if to is not None:
        mail["To"] = to
    mail["Subject"] = "Your refund: Nº NW-10482"
    mail.set_content(text)
    return base64.urlsafe_b64encode(mail.as_bytes()).decode().rstrip("=")


async def test_a_sent_mail_is_answered_like_gmail_and_kept_readable(gmail: httpx.AsyncClient, sandbox: Sandbox) -> None:
    answer = await gmail.post(SEND, json={"raw": _raw()})
    body = answer.json()
    assert answer.status_code == 200
    assert body == {"id": body["id"], "threadId": body["id"], "labelIds": ["SENT"]}
    (effect,) = sandbox.state.effects_of(ProviderName.GMAIL)
    assert effect.data["text"] == "Grüße,\nNorthwind\n"
    assert effect.data["subject"] == "Your refund: Nº NW-10482"
    assert effect.data["recipients"] == ["maya@fernleaf.example"]
    stored = await gmail.get(f"/gmail/v1/users/me/messages/{body['id']}")
    assert stored.json()["raw"] == _raw()


async def test_a_reply_stays_in_its_thread(gmail: httpx.AsyncClient) -> None:
    answer = await gmail.post(SEND, json={"raw": _raw(), "threadId": "18f0"})
    assert answer.json()["threadId"] == "18f0"


async def test_errors_have_googles_shape(gmail: httpx.AsyncClient, sandbox: Sandbox) -> None:
    no_raw = await gmail.post(SEND, json={})
    not_base64 = await gmail.post(SEND, json={"raw": "!!!"})
    nobody = await gmail.post(SEND, json={"raw": _raw(to=None)})
    bad_address = await gmail.post(SEND, json={"raw": _raw(to="maya")})
    for answer in (no_raw, not_base64, nobody, bad_address):
        error = answer.json()["error"]
        assert answer.status_code == error["code"] == 400
        assert error["status"] == "INVALID_ARGUMENT"
        assert error["errors"][0]["message"] == error["message"]
    assert nobody.json()["error"]["message"] == "Recipient address required"
    assert bad_address.json()["error"]["message"] == "Invalid To header"
    assert sandbox.state.effects == []


async def test_tokens_and_mailboxes_are_checked(gmail: httpx.AsyncClient) -> None:
    wrong = await gmail.post(SEND, json={"raw": _raw()}, headers={"authorization": "Bearer abc"})
    foreign = await gmail.post("/gmail/v1/users/boss@other.example/messages/send", json={"raw": _raw()})
    assert wrong.status_code == 401
    assert wrong.json()["error"]["status"] == "UNAUTHENTICATED"
    assert foreign.status_code == 403
