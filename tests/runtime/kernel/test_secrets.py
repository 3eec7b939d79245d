"""Secrets at rest: a wrong key, a moved ciphertext or an exposed key file fails loudly."""

import base64
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.kit.canonical import digest
from interlock.kit.errors import InterlockError
from interlock.runtime.secrets import Secrets, hashed, load_secrets, new_token

KEY = bytes(range(32))


def code_of(error: pytest.ExceptionInfo[InterlockError]) -> str:
    assert error.value.hint, "an operator must be told what to do"
    return error.value.code


@given(st.binary(max_size=500))
def test_what_was_sealed_opens_again_and_never_looks_the_same_twice(plain: bytes) -> None:
    secrets = Secrets(KEY)
    one, two = (secrets.encrypt(plain, purpose="test") for _ in range(2))
    assert one != two
    assert secrets.decrypt(one, purpose="test") == secrets.decrypt(two, purpose="test") == plain
    assert len(plain) < 8 or plain not in one


def test_json_comes_back_as_it_was() -> None:
    secrets = Secrets(KEY)
    value = {"a": [1, None, "ü"], "b": {"c": 0.5}}
    assert secrets.decrypt_json(secrets.encrypt_json(value, purpose="test"), purpose="test") == value


def test_another_key_fails_loudly() -> None:
    sealed = Secrets(KEY).encrypt(b"plain", purpose="test")
    with pytest.raises(InterlockError) as caught:
        Secrets(bytes(32)).decrypt(sealed, purpose="test")
    assert code_of(caught) == "master_key_wrong"
    assert Secrets(KEY).fingerprint != Secrets(bytes(32)).fingerprint


def test_a_ciphertext_moved_to_another_place_does_not_open() -> None:
    secrets = Secrets(KEY)
    sealed = secrets.encrypt(b"plain", purpose="connection")
    with pytest.raises(InterlockError):
        secrets.decrypt(sealed, purpose="approval")


@pytest.mark.parametrize("position", [0, 1, 12, 13, 20, -1])
def test_a_changed_byte_does_not_open(position: int) -> None:
    secrets = Secrets(KEY)
    sealed = bytearray(secrets.encrypt(b"some plain bytes", purpose="test"))
    sealed[position] ^= 1
    with pytest.raises(InterlockError):
        secrets.decrypt(bytes(sealed), purpose="test")


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x01" + bytes(11), b"\x01" + bytes(12), b"\x01" + bytes(20)])
def test_a_cut_ciphertext_does_not_open(sealed: bytes) -> None:
    with pytest.raises(InterlockError):
        Secrets(KEY).decrypt(sealed, purpose="test")


@pytest.mark.parametrize(
    "configured", ["", "short", "not base64 at all!", base64.b64encode(bytes(31)).decode(), "ключ"]
)
def test_a_configured_key_of_the_wrong_form_is_refused(tmp_path: Path, configured: str) -> None:
    with pytest.raises(InterlockError) as caught:
        load_secrets(tmp_path, configured)
    assert code_of(caught) == "master_key_invalid"
    assert list(tmp_path.iterdir()) == []


def test_the_first_start_makes_a_private_key_and_the_next_one_finds_it(tmp_path: Path) -> None:
    directory = tmp_path / "deep" / "data"
    made = load_secrets(directory, None)
    path = directory / "master.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [item.name for item in directory.iterdir()] == ["master.key"]
    assert load_secrets(directory, None).fingerprint == made.fingerprint
    assert load_secrets(tmp_path / "other", None).fingerprint != made.fingerprint


def test_the_umask_does_not_matter(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        load_secrets(tmp_path, None)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "master.key").stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o666, 0o610])
def test_a_key_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    load_secrets(tmp_path, None)
    (tmp_path / "master.key").chmod(mode)
    with pytest.raises(InterlockError) as caught:
        load_secrets(tmp_path, None)
    assert code_of(caught) == "master_key_exposed"
    assert "chmod 600" in str(caught.value.hint)


@pytest.mark.parametrize("content", [b"", b"\n", b"garbage", b"\xff\xfe", base64.b64encode(bytes(16))])
def test_a_damaged_key_file_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "master.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(InterlockError) as caught:
        load_secrets(tmp_path, None)
    assert code_of(caught) == "master_key_invalid"
    assert path.read_bytes() == content


def test_an_edited_key_file_with_a_newline_still_works(tmp_path: Path) -> None:
    made = load_secrets(tmp_path, None)
    path = tmp_path / "master.key"
    path.write_bytes(path.read_bytes() + b"\n")
    assert load_secrets(tmp_path, None).fingerprint == made.fingerprint


def test_tokens_are_long_different_and_stored_as_hashes() -> None:
    tokens = {new_token("sk_live_") for _ in range(100)}
    assert len(tokens) == 100
    assert all(token.startswith("sk_live_") and len(token) >= 8 + 43 for token in tokens)
    assert hashed("a") == "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"


def test_a_keyed_digest_tells_equal_values_and_only_to_who_has_the_key() -> None:
    secrets, other = Secrets(bytes(32)), Secrets(bytes([1]) * 32)
    assert secrets.keyed_digest({"a": 1, "b": 2}) == secrets.keyed_digest({"b": 2, "a": 1})
    assert secrets.keyed_digest({"a": 1}) != secrets.keyed_digest({"a": 2})
    assert len({secrets.keyed_digest("x"), other.keyed_digest("x"), digest("x")}) == 3
