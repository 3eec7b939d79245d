"""Refuses every way out of this machine while tests run.

It covers Python sockets, hence asyncio, httpx and anything built on them. It cannot see into libraries that
open sockets in C or Rust, nor into subprocesses: a test that starts one gives it addresses of this machine only.
"""

import ipaddress
import socket
from collections.abc import Callable
from typing import Any

import pytest


class NetworkForbiddenError(RuntimeError):
    """A test tried to leave the machine; not an OSError, so that no code under test mistakes it for bad weather."""


def install(patch: pytest.MonkeyPatch) -> None:
    """Close the way out until the patch is undone."""
    for method in ("connect", "connect_ex"):
        patch.setattr(socket.socket, method, _guarded_connect(getattr(socket.socket, method)))
    patch.setattr(socket.socket, "sendto", _guarded_sendto(socket.socket.sendto))
    patch.setattr(socket, "getaddrinfo", _guarded_lookup(socket.getaddrinfo))


def _guarded_connect(real: Callable[..., Any]) -> Callable[..., Any]:
    def connect(self: socket.socket, address: Any) -> Any:
        _refuse_unless_local(address)
        return real(self, address)

    return connect


def _guarded_sendto(real: Callable[..., Any]) -> Callable[..., Any]:
    def sendto(self: socket.socket, data: Any, *flags_and_address: Any) -> Any:
        _refuse_unless_local(flags_and_address[-1])
        return real(self, data, *flags_and_address)

    return sendto


def _guarded_lookup(real: Callable[..., Any]) -> Callable[..., Any]:
    def getaddrinfo(host: str | bytes | None, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name and not _is_address(name) and not _is_local_name(name):
            message = f"a test may not look up {name!r}: give the code a fake resolver or an address of this machine"
            raise NetworkForbiddenError(message)
        return real(host, *args, **kwargs)

    return getaddrinfo


def _refuse_unless_local(address: Any) -> None:
    if not isinstance(address, tuple):  # a path of a Unix socket
        return
    host = str(address[0])
    if _is_local_name(host) or (_is_address(host) and ipaddress.ip_address(host.partition("%")[0]).is_loopback):
        return
    raise NetworkForbiddenError(f"a test may not connect to {host!r}: start a local server and use its address")


def _is_local_name(name: str) -> bool:
    return name == "localhost" or name.endswith(".localhost")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return True
