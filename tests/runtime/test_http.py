"""The guarded client against local peers that misbehave."""

import asyncio
import gzip
import socket
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest

from interlock.kit.errors import InterlockError, Kind
from interlock.runtime.database import SqliteDatabase
from interlock.runtime.http import GuardedHttp, Resolve
from interlock.runtime.settings import Settings
from interlock.runtime.unit_of_work import UnitOfWork
from tests.runtime.peer import Answer, Received, peer, raw, reply, silence

OK_HEAD = b"HTTP/1.1 200 OK\r\n"
SECRET = "sk-live-never-tell"


@pytest.fixture
async def http() -> AsyncIterator[GuardedHttp]:
    client = GuardedHttp(Settings(http_timeout_seconds=5))
    yield client
    await client.close()


@pytest.fixture
async def made() -> AsyncIterator[Callable[..., GuardedHttp]]:
    """Makes clients with settings or resolvers of their own, and closes them."""
    clients: list[GuardedHttp] = []

    def make(allow: str = "", resolve: Resolve | None = None) -> GuardedHttp:
        clients.append(GuardedHttp(Settings.model_validate({"http_allow_private": allow}), resolve=resolve))
        return clients[-1]

    yield make
    for client in clients:
        await client.close()


async def failure(http: GuardedHttp, answer: Answer, *, max_bytes: int = 10_000, timeout: float = 5) -> InterlockError:
    """The error that an answer ends in, for a request that carries secrets everywhere."""
    async with peer(answer) as remote:
        with pytest.raises(InterlockError) as caught:
            await http.request(
                "POST",
                remote.url(f"/bot{SECRET}/send?key={SECRET}"),
                headers={"Authorization": f"Bearer {SECRET}"},
                json={"token": SECRET},
                timeout=timeout,
                max_bytes=max_bytes,
                allow_private=True,
            )
    told = f"{caught.value.message} {caught.value.data} {caught.value.hint}"
    assert SECRET not in told
    return caught.value


async def test_a_request_carries_method_headers_and_json(http: GuardedHttp) -> None:
    async with peer(reply(b'{"fine":true}', "201 Created", "X-Thing: 7")) as remote:
        answer = await http.request(
            "post", remote.url("/a?b=c"), headers={"X-Key": "k"}, json={"n": 1}, allow_private=True
        )
    assert (answer.status, answer.ok, answer.headers["x-thing"], answer.json()) == (201, True, "7", {"fine": True})
    sent = remote.requests[0]
    assert (sent.method, sent.path, sent.body) == ("POST", "/a?b=c", b'{"n":1}')
    assert (sent.headers["x-key"], sent.headers["content-type"]) == ("k", "application/json")
    assert sent.headers["host"] == f"127.0.0.1:{remote.port}"


async def test_forms_and_raw_bodies_go_out_as_given(http: GuardedHttp) -> None:
    large = b"z" * 3_000_000
    async with peer(reply()) as remote:
        await http.request("POST", remote.url(), data={"a": "1 2", "b": "&"}, allow_private=True)
        await http.request("PUT", remote.url(), content=large, headers={"content-type": "x/y"}, allow_private=True)
    form, bulk = remote.requests
    assert (form.body, form.headers["content-type"]) == (b"a=1+2&b=%26", "application/x-www-form-urlencoded")
    assert (bulk.body == large, bulk.headers["content-type"]) == (True, "x/y")


async def test_connections_are_kept_alive(http: GuardedHttp) -> None:
    async with peer(reply()) as remote:
        for _ in range(5):
            await http.request("GET", remote.url(), allow_private=True)
    assert (len(remote.requests), remote.connections) == (5, 1)


async def test_a_kept_connection_of_a_permitted_call_never_serves_another(http: GuardedHttp) -> None:
    async with peer(reply()) as remote:
        await http.request("GET", remote.url(), allow_private=True)
        with pytest.raises(InterlockError) as caught:
            await http.request("GET", remote.url())
    assert (caught.value.kind, caught.value.code) == (Kind.FORBIDDEN, "address_refused")
    assert "INTERLOCK_HTTP_ALLOW_PRIVATE" in str(caught.value.hint)
    assert len(remote.requests) == 1


async def test_an_operator_opens_a_network_by_setting(made: Callable[..., GuardedHttp]) -> None:
    http = made("127.0.0.0/8")
    async with peer(reply()) as remote:
        assert (await http.request("GET", remote.url())).status == 200


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "169.254.169.254", "localhost"]
)
async def test_every_spelling_of_a_closed_address_is_refused(http: GuardedHttp, host: str) -> None:
    with pytest.raises(InterlockError) as caught:
        await http.request("GET", f"http://{host}:9/")
    assert caught.value.code == "address_refused"


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "017700000001", "127.1"])
async def test_number_spellings_reach_nothing(made: Callable[..., GuardedHttp], host: str) -> None:
    async def resolve(text: str) -> Sequence[str]:
        return [socket.inet_ntoa(socket.inet_aton(text))]

    http = made(resolve=resolve)
    with pytest.raises(InterlockError) as caught:
        await http.request("GET", f"http://{host}:9/")
    assert caught.value.code in {"address_refused", "validation_error"}


async def test_a_name_is_refused_when_any_of_its_addresses_is_closed(made: Callable[..., GuardedHttp]) -> None:
    async def resolve(_host: str) -> Sequence[str]:
        return ["93.184.216.34", "10.0.0.7"]

    http = made(resolve=resolve)
    with pytest.raises(InterlockError) as caught:
        await http.request("GET", "http://mixed.example/")
    assert (caught.value.code, caught.value.data["host"]) == ("address_refused", "mixed.example")
    assert "10.0.0.7" not in caught.value.message


async def test_a_name_that_turns_private_after_the_check_is_never_looked_up_twice(
    made: Callable[..., GuardedHttp],
) -> None:
    """A rebinding server answers an open address first and a closed one later; one lookup serves both needs."""
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])
    asked: list[str] = []

    async def resolve(host: str) -> Sequence[str]:
        asked.append(host)
        return next(answers)

    http = made("127.0.0.0/8", resolve)
    async with peer(reply()) as remote:
        assert (await http.request("GET", remote.url(host="rebind.example"))).status == 200
        assert remote.requests[0].headers["host"] == f"rebind.example:{remote.port}"
        assert asked == ["rebind.example"]
        await http.close()
        with pytest.raises(InterlockError) as caught:
            await http.request("GET", remote.url(host="rebind.example"))
    assert caught.value.code == "address_refused"
    assert len(remote.requests) == 1


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("ftp://example.com/", "http"),
        ("file:///etc/passwd", "http"),
        ("/relative", "http"),
        ("http://", "host"),
        ("http://user:pass@example.com/", "password"),
        ("http://[::1/", "read"),
        ("http://example.com/a\r\nX: y", "control"),
    ],
)
async def test_unfit_urls_are_refused_by_field(http: GuardedHttp, url: str, word: str) -> None:
    with pytest.raises(InterlockError) as caught:
        await http.request("GET", url, allow_private=True)
    assert (caught.value.kind, caught.value.data["field"]) == (Kind.INVALID, "url")
    assert word in caught.value.message


@pytest.mark.parametrize("headers", [{"Host": "x"}, {"transfer-encoding": "chunked"}, {"X": "a\r\nY: b"}])
async def test_headers_that_smuggle_are_refused(http: GuardedHttp, headers: dict[str, str]) -> None:
    with pytest.raises(InterlockError) as caught:
        await http.request("GET", "http://127.0.0.1:9/", headers=headers, allow_private=True)
    assert caught.value.data["field"] == "headers"


async def test_nothing_goes_out_while_a_unit_of_work_is_open(http: GuardedHttp, tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "x.db")
    unit = UnitOfWork(database, write=False)
    await unit.session()
    with pytest.raises(InterlockError) as caught:
        await http.request("GET", "http://127.0.0.1:9/", allow_private=True)
    assert caught.value.code == "network_in_unit_of_work"
    with pytest.raises(InterlockError):
        async with http.stream("GET", "http://127.0.0.1:9/", allow_private=True):
            pass
    with pytest.raises(InterlockError):
        await http.client_for_sdk(allow_private=True).get("http://127.0.0.1:9/")
    await unit.rollback()
    await database.close()


@pytest.mark.parametrize("target", ["http://169.254.169.254/latest?token=1", "http://127.0.0.1:1/x", "/elsewhere"])
async def test_redirects_are_told_and_not_followed(http: GuardedHttp, target: str) -> None:
    error = await failure(http, reply(b"", "302 Found", f"Location: {target}"))
    assert (error.kind, error.code) == (Kind.UPSTREAM, "provider_redirected")
    assert error.data["target"] in error.message or "same host" in error.message
    assert "token" not in error.message


async def test_silence_ends_in_a_timeout(http: GuardedHttp) -> None:
    error = await failure(http, silence, timeout=0.1)
    assert (error.kind, error.code) == (Kind.UPSTREAM_TIMEOUT, "provider_timeout")


async def test_a_dripping_body_meets_the_total_timeout(http: GuardedHttp) -> None:
    async def drip(_request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(OK_HEAD + b"content-length: 9000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    started = time.monotonic()
    error = await failure(http, drip, timeout=0.3)
    assert error.code == "provider_timeout"
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    "answer",
    [
        raw(b""),
        raw(OK_HEAD),
        raw(OK_HEAD + b"content-length: 50\r\n\r\nhalf"),
        raw(OK_HEAD + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n"),
    ],
    ids=["before the answer", "in the head", "in a body of known length", "between chunks"],
)
async def test_a_cut_is_told_as_a_cut(http: GuardedHttp, answer: Answer) -> None:
    error = await failure(http, answer)
    assert (error.kind, error.code) == (Kind.UPSTREAM, "provider_cut")


async def test_a_closed_port_and_an_unknown_name_are_unreachable(
    http: GuardedHttp, made: Callable[..., GuardedHttp]
) -> None:
    async with peer(reply()) as gone:
        pass
    with pytest.raises(InterlockError) as caught:
        await http.request("GET", gone.url(), allow_private=True)
    assert (caught.value.kind, caught.value.code) == (Kind.UPSTREAM, "provider_unreachable")

    async def nowhere(_host: str) -> Sequence[str]:
        raise OSError(-2, "Name or service not known")

    lost = made(resolve=nowhere)
    with pytest.raises(InterlockError) as caught:
        await lost.request("GET", "http://no.such.example/")
    assert caught.value.code == "provider_unreachable"
    assert "resolved" in caught.value.message


async def test_plain_text_where_tls_is_expected_is_unreachable(http: GuardedHttp) -> None:
    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(InterlockError) as caught:
            await http.request("GET", f"https://127.0.0.1:{port}/", allow_private=True)
    assert caught.value.code == "provider_unreachable"
    assert "secure" in caught.value.message


async def test_broken_compression_is_told(http: GuardedHttp) -> None:
    error = await failure(http, reply(b"not gzip at all", "200 OK", "Content-Encoding: gzip"))
    assert (error.kind, error.code) == (Kind.UPSTREAM, "provider_bad_response")


async def test_what_is_not_http_is_told(http: GuardedHttp) -> None:
    error = await failure(http, raw(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"))
    assert (error.kind, error.code) == (Kind.UPSTREAM, "provider_bad_response")


async def test_what_is_not_json_is_told(http: GuardedHttp) -> None:
    async with peer(reply(b"<html>", "502 Bad Gateway")) as remote:
        answer = await http.request("GET", remote.url(), allow_private=True)
    with pytest.raises(InterlockError) as caught:
        answer.json()
    assert (caught.value.code, caught.value.data["status"]) == ("provider_bad_response", 502)


async def test_a_declared_flood_is_refused_before_it_is_read(http: GuardedHttp) -> None:
    error = await failure(http, raw(OK_HEAD + b"content-length: 900000000\r\n\r\n", close=False))
    assert (error.kind, error.code) == (Kind.UPSTREAM, "provider_response_too_large")


async def test_an_undeclared_flood_is_cut_off(http: GuardedHttp) -> None:
    sent = 0

    async def flood(_request: Received, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(OK_HEAD + b"connection: close\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x" * 65_536)
            sent += 65_536
            await writer.drain()

    error = await failure(http, flood, max_bytes=200_000)
    assert error.code == "provider_response_too_large"
    assert sent < 30_000_000


@pytest.mark.parametrize("stacked", [False, True])
async def test_a_gzip_bomb_is_stopped_at_the_limit(http: GuardedHttp, stacked: bool) -> None:
    packed = gzip.compress(bytes(300_000_000), 1) if not stacked else gzip.compress(bytes(1_000_000), 9) * 300
    bomb = reply(packed, "200 OK", "Content-Encoding: gzip")
    error = await failure(http, bomb, max_bytes=5_000_000)
    assert error.code == "provider_response_too_large"


async def test_honest_gzip_is_unpacked(http: GuardedHttp) -> None:
    async with peer(reply(gzip.compress(b'{"a":1}'), "200 OK", "Content-Encoding: gzip")) as remote:
        answer = await http.request("GET", remote.url(), allow_private=True)
    assert answer.json() == {"a": 1}


async def test_no_proxy_is_taken_from_the_environment(http: GuardedHttp, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with peer(reply()) as remote:
        assert (await http.request("GET", remote.url(), allow_private=True)).ok


async def test_cookies_of_one_call_do_not_reach_the_next(http: GuardedHttp) -> None:
    async with peer(reply(b"{}", "200 OK", "Set-Cookie: session=1")) as remote:
        await http.request("GET", remote.url(), allow_private=True)
        await http.request("GET", remote.url(), allow_private=True)
    assert "cookie" not in remote.requests[1].headers
