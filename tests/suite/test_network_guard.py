"""The suite cannot leave this machine, by any of the ways Python code usually takes."""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.support.network_guard import NetworkForbiddenError

ELSEWHERE = ("192.0.2.1", 80)  # a block reserved for documentation: nobody lives there


@pytest.mark.parametrize(
    "attempt",
    [
        lambda s: s.connect(ELSEWHERE),
        lambda s: s.connect_ex(ELSEWHERE),
        lambda s: s.sendto(b"x", ELSEWHERE),
        lambda s: s.sendto(b"x", 0, ELSEWHERE),
    ],
    ids=["connect", "connect_ex", "sendto", "sendto with flags"],
)
def test_a_socket_cannot_leave(attempt: Callable[[socket.socket], Any]) -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as elsewhere,
        pytest.raises(NetworkForbiddenError, match="192\\.0\\.2\\.1"),
    ):
        attempt(elsewhere)


@pytest.mark.parametrize("address", [("2001:db8::1", 80, 0, 0), ("::ffff:192.0.2.1", 80, 0, 0)])
def test_nor_can_a_socket_of_the_newer_kind(address: tuple[str, int, int, int]) -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as elsewhere, pytest.raises(NetworkForbiddenError):
        elsewhere.connect(address)


def test_names_of_other_machines_are_not_looked_up() -> None:
    with pytest.raises(NetworkForbiddenError, match="example"):
        socket.getaddrinfo("api.example.com", 443)


@pytest.mark.parametrize("host", ["192.0.2.1", "api.example.com"])
async def test_asyncio_cannot_leave(host: str) -> None:
    with pytest.raises(NetworkForbiddenError):
        await asyncio.open_connection(host, 80)


async def test_an_http_client_cannot_leave() -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        # The transport may wrap what its connecting tasks raised in a group.
        with pytest.RaisesGroup(NetworkForbiddenError, allow_unwrapped=True):
            await client.get("http://192.0.2.1/")


async def test_this_machine_can_be_reached() -> None:
    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("localhost", port, family=socket.AF_INET)
        assert await reader.read() == b"hello"
        writer.close()
        await writer.wait_closed()
