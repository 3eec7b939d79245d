"""Where a request comes from, by the part of the address that one customer has."""

import ipaddress
from collections.abc import Sequence

from starlette.requests import Request

from interlock.runtime.context import Runtime

_IPV6_CUSTOMER_BITS = 64


def client_address(request: Request, runtime: Runtime) -> str:
    """Who connected, by the part of the address that one customer has; a proxy is believed only when configured."""
    address = _connected(request, runtime)
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed.packed[: _IPV6_CUSTOMER_BITS // 8] + bytes(8), _IPV6_CUSTOMER_BITS)))


def _connected(request: Request, runtime: Runtime) -> str:
    peer = request.client.host if request.client else "unknown"
    proxies = runtime.settings.trusted_proxies
    forwarded = request.headers.get("x-forwarded-for")
    if not forwarded or not _inside(peer, proxies):
        return peer
    for address in reversed([part.strip() for part in forwarded.split(",")]):
        if not _inside(address, proxies):
            return address
    return peer


def _inside(address: str, networks: Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks if network.version == parsed.version)
