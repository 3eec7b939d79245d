"""Streams and SDK clients over the guarded client."""

import asyncio
import gzip
from collections.abc import AsyncIterator

import httpx2
import openai
import pytest
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.google import GoogleProvider
from pydantic_ai.providers.openai import OpenAIProvider

from interlock.kit.errors import InterlockError, Kind
from interlock.runtime.http import GuardedHttp
from interlock.runtime.http_errors import cause_of
from interlock.runtime.settings import Settings
from tests.runtime.peer import Received, peer, raw, reply, silence

CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
COMPLETION = (
    b'{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"finish_reason":"stop",'
    b'"message":{"role":"assistant","content":"hello"}}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}'
)


def chunk(body: bytes) -> bytes:
    """One chunk of a chunked body."""
    return b"%x\r\n%s\r\n" % (len(body), body)


@pytest.fixture
async def http() -> AsyncIterator[GuardedHttp]:
    client = GuardedHttp(Settings(http_timeout_seconds=5))
    yield client
    await client.close()


async def test_lines_are_joined_across_chunks(http: GuardedHttp) -> None:
    answer = raw(CHUNKED, chunk(b"data: on"), chunk(b"e\r\n\ndata: tw"), chunk("o é".encode()), b"0\r\n\r\n")
    async with peer(answer) as remote, http.stream("POST", remote.url(), json={}, allow_private=True) as reading:
        lines = [line async for line in reading.lines()]
    assert (reading.status, lines) == (200, ["data: one", "", "data: two é"])


async def test_a_chunk_is_handed_on_before_the_next_is_sent(http: GuardedHttp) -> None:
    go_on = asyncio.Event()

    async def answer(_request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(CHUNKED + chunk(b"first"))
        await go_on.wait()
        writer.write(chunk(b"second") + b"0\r\n\r\n")

    async with peer(answer) as remote, http.stream("GET", remote.url(), allow_private=True) as reading:
        pieces = reading.chunks()
        assert await anext(pieces) == b"first"
        go_on.set()
        assert [piece async for piece in pieces] == [b"second"]


async def test_a_finished_stream_gives_its_connection_back(http: GuardedHttp) -> None:
    async with peer(reply(b"all")) as remote:
        for _ in range(3):
            async with http.stream("GET", remote.url(), allow_private=True) as reading:
                assert await reading.read() == b"all"
    assert remote.connections == 1


async def test_an_abandoned_stream_closes_its_connection(http: GuardedHttp) -> None:
    async with peer(raw(CHUNKED, chunk(b"first"), close=False)) as remote:
        for _ in range(2):
            async with http.stream("GET", remote.url(), allow_private=True) as reading:
                assert await anext(reading.chunks()) == b"first"
    assert remote.connections == 2


async def test_silence_in_the_middle_meets_the_idle_timeout(http: GuardedHttp) -> None:
    async def answer(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(CHUNKED + chunk(b"first"))
        await silence(request, writer)

    async with (
        peer(answer) as remote,
        http.stream("GET", remote.url(), idle_timeout=0.1, allow_private=True) as reading,
    ):
        with pytest.raises(InterlockError) as caught:
            await reading.read()
    assert (caught.value.kind, caught.value.code) == (Kind.UPSTREAM_TIMEOUT, "provider_timeout")


async def test_a_cut_in_the_middle_is_told_after_what_came_before(http: GuardedHttp) -> None:
    answer = raw(CHUNKED, chunk(b"first"))
    async with peer(answer) as remote, http.stream("GET", remote.url(), allow_private=True) as reading:
        pieces = reading.chunks()
        assert await anext(pieces) == b"first"
        with pytest.raises(InterlockError) as caught:
            await anext(pieces)
    assert caught.value.code == "provider_cut"


async def test_a_stream_is_bounded_after_decompression(http: GuardedHttp) -> None:
    bomb = reply(gzip.compress(bytes(50_000_000), 1), "200 OK", "Content-Encoding: gzip")
    async with peer(bomb) as remote, http.stream("GET", remote.url(), max_bytes=90_000, allow_private=True) as reading:
        with pytest.raises(InterlockError) as caught:
            await reading.read()
    assert caught.value.code == "provider_response_too_large"


async def test_an_endless_line_is_refused(http: GuardedHttp) -> None:
    answer = reply(b"x" * 3_000_000)
    async with peer(answer) as remote, http.stream("GET", remote.url(), allow_private=True) as reading:
        with pytest.raises(InterlockError) as caught:
            _ = [line async for line in reading.lines()]
    assert caught.value.code == "provider_bad_response"


async def test_an_error_of_the_reader_is_left_alone(http: GuardedHttp) -> None:
    async with peer(reply(b"x")) as remote:
        with pytest.raises(TimeoutError, match="mine"):
            async with http.stream("GET", remote.url(), allow_private=True):
                raise TimeoutError("mine")


async def test_a_model_library_talks_through_the_guard(http: GuardedHttp) -> None:
    answer = reply(gzip.compress(COMPLETION), "200 OK", "content-type: application/json", "Content-Encoding: gzip")
    async with peer(answer) as remote, http.client_for_sdk(allow_private=True) as client:
        provider = OpenAIProvider(base_url=remote.url("/v1"), api_key="k", http_client=client)
        result = await Agent(OpenAIChatModel("m", provider=provider)).run("hi")
    assert result.output == "hello"
    assert (remote.requests[0].path, remote.requests[0].headers["authorization"]) == (
        "/v1/chat/completions",
        "Bearer k",
    )


async def test_a_model_library_streams_through_the_guard(http: GuardedHttp) -> None:
    delta = (
        b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m",'
        b'"choices":[{"index":0,"delta":{"content":"%s"}}]}\n\n'
    )
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    answer = raw(head, chunk(delta % b"hel"), chunk(delta % b"lo"), chunk(b"data: [DONE]\n\n"), b"0\r\n\r\n")
    async with peer(answer) as remote, http.client_for_sdk(allow_private=True) as client:
        sdk = openai.AsyncOpenAI(base_url=remote.url("/v1"), api_key="k", http_client=client)
        stream = await sdk.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}], stream=True)
        text = "".join([piece.choices[0].delta.content or "" async for piece in stream])
    assert text == "hello"


async def test_a_refusal_passes_a_library_and_a_failure_is_found_inside_its_error(http: GuardedHttp) -> None:
    async with peer(reply()) as gone:
        pass
    for private, code in ((False, "address_refused"), (True, "provider_unreachable")):
        async with http.client_for_sdk(allow_private=private) as client:
            sdk = openai.AsyncOpenAI(base_url=gone.url("/v1"), api_key="k", http_client=client, max_retries=0)
            with pytest.raises((openai.APIConnectionError, InterlockError)) as caught:
                await sdk.models.list()
        found = cause_of(caught.value)
        assert found is not None
        assert found.code == code


async def test_a_timeout_is_a_timeout_to_a_library(http: GuardedHttp) -> None:
    async with peer(silence) as remote, http.client_for_sdk(timeout=0.1, allow_private=True) as client:
        sdk = openai.AsyncOpenAI(
            base_url=remote.url("/v1"), api_key="k", http_client=client, max_retries=0, timeout=0.1
        )
        with pytest.raises(openai.APITimeoutError):
            await sdk.models.list()


async def test_a_library_is_not_redirected(http: GuardedHttp) -> None:
    answer = reply(b"", "307 Temporary Redirect", "Location: http://10.0.0.1/")
    async with peer(answer) as remote, http.client_for_sdk(allow_private=True) as client:
        with pytest.raises(InterlockError) as caught:
            await client.get(remote.url(), follow_redirects=True)
    assert caught.value.code == "provider_redirected"


async def test_a_cut_is_a_transport_error_to_a_library(http: GuardedHttp) -> None:
    async with peer(raw(CHUNKED, chunk(b"x"))) as remote, http.client_for_sdk(allow_private=True) as client:
        with pytest.raises(httpx2.ReadError):
            await client.get(remote.url())


async def test_google_takes_the_guarded_client_as_it_is(http: GuardedHttp) -> None:
    async with http.client_for_sdk() as client:
        provider = GoogleProvider(api_key="k", http_client=client)
        api = provider.client._api_client
        assert api._async_httpx_client is client
        assert not api._use_aiohttp()
