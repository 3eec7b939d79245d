"""Signatures of webhook calls: a published vector, and nothing but the exact bytes under the very secret passes."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from interlock.kit.errors import InterlockError, Kind
from interlock.kit.signatures import (
    TOLERANCE,
    check_plain,
    check_standard,
    key_of,
    new_secret,
    plain_signature,
    standard_headers,
)

# The test vector of the Standard Webhooks reference libraries.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE = "msg_p5jXN8AQM9LWM0D4loKWxJek"
STAMP = datetime.fromtimestamp(1614265330, UTC)
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_published_vector() -> None:
    headers = standard_headers(MESSAGE, STAMP, BODY, [key_of(SECRET)])
    assert headers["webhook-signature"] == SIGNATURE
    check_standard(headers, BODY, SECRET, STAMP)


def test_several_secrets_sign_at_once_and_either_is_enough() -> None:
    other = new_secret()
    headers = standard_headers(MESSAGE, STAMP, BODY, [key_of(other), key_of(SECRET)])
    assert headers["webhook-signature"].endswith(" " + SIGNATURE)
    for secret in (SECRET, other):
        check_standard(headers, BODY, secret, STAMP)


def refused(error: pytest.ExceptionInfo[InterlockError]) -> bool:
    return error.value.kind is Kind.UNAUTHENTICATED


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-signature": ""},
        {"webhook-signature": SIGNATURE.removeprefix("v1,")},
        {"webhook-signature": "v2" + SIGNATURE[2:]},
        {"webhook-id": ""},
        {"webhook-id": MESSAGE + "x"},
        {"webhook-timestamp": ""},
        {"webhook-timestamp": "now"},
        {"webhook-timestamp": "-1614265330"},
        {"webhook-timestamp": "1614265331"},
        {"webhook-timestamp": "\N{SUPERSCRIPT TWO}" * 10},
        {"webhook-timestamp": "9" * 5_000},
    ],
)
def test_a_standard_call_that_differs_is_refused(change: dict[str, str]) -> None:
    headers = {**standard_headers(MESSAGE, STAMP, BODY, [key_of(SECRET)]), **change}
    with pytest.raises(InterlockError) as caught:
        check_standard(headers, BODY, SECRET, STAMP)
    assert refused(caught)


@pytest.mark.parametrize(("away", "passes"), [(TOLERANCE, True), (TOLERANCE + timedelta(seconds=1), False)])
@pytest.mark.parametrize("direction", [1, -1])
def test_old_calls_and_those_of_the_future_are_refused(away: timedelta, passes: bool, direction: int) -> None:
    headers = standard_headers(MESSAGE, STAMP, BODY, [key_of(SECRET)])
    if passes:
        check_standard(headers, BODY, SECRET, STAMP + away * direction)
        return
    with pytest.raises(InterlockError) as caught:
        check_standard(headers, BODY, SECRET, STAMP + away * direction)
    assert refused(caught)


@given(st.binary(max_size=200), st.text(min_size=1, max_size=60))
def test_a_plain_signature_is_the_hmac_of_the_body_under_the_secrets_text(body: bytes, secret: str) -> None:
    signature = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    assert plain_signature(body, secret) == signature
    check_plain(signature, body, secret)
    check_plain(signature.upper(), body, secret)


@given(st.binary(max_size=200), st.binary(max_size=200), st.text(max_size=80))
def test_no_other_body_and_no_other_text_passes(body: bytes, other: bytes, text: str) -> None:
    signature = plain_signature(body, SECRET)
    assume(other != body and text.strip().lower() != signature)
    for given_signature, given_body in ((signature, other), (text, body)):
        with pytest.raises(InterlockError) as caught:
            check_plain(given_signature, given_body, SECRET)
        assert refused(caught)


def test_secrets_hold_256_bits_and_foreign_ones_sign_as_they_are() -> None:
    first, second = new_secret(), new_secret()
    assert first != second
    assert len(key_of(first)) == 32
    assert key_of(first) == base64.b64decode(first.removeprefix("whsec_"))
    assert key_of("whsec_not base64") == b"whsec_not base64"
    assert key_of("anything") == b"anything"
