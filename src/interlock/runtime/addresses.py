"""Which network addresses the server may talk to: public ones, unless the operator allows more.

Sources: the IANA IPv4 and IPv6 special-purpose address registries, RFC 6052 (NAT64), RFC 3056 (6to4), the metadata
addresses that cloud vendors document.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_PRIVATE: tuple[tuple[str, Network], ...] = tuple(
    (word, ip_network(text))
    for word, text in (
        ("loopback", "127.0.0.0/8"),
        ("loopback", "::1/128"),
        ("private", "10.0.0.0/8"),
        ("private", "172.16.0.0/12"),
        ("private", "192.168.0.0/16"),
        ("private", "fc00::/7"),
        ("shared (carrier-grade NAT)", "100.64.0.0/10"),
    )
)
_NEVER: tuple[tuple[str, Network], ...] = tuple(
    (word, ip_network(text))
    for word, text in (
        ("unspecified", "0.0.0.0/8"),
        ("unspecified", "::/128"),
        ("link-local", "169.254.0.0/16"),
        ("link-local", "fe80::/10"),
        ("multicast", "224.0.0.0/4"),
        ("multicast", "ff00::/8"),
        ("reserved", "192.0.0.0/24"),
        ("reserved", "192.88.99.0/24"),
        ("reserved", "198.18.0.0/15"),
        ("reserved", "240.0.0.0/4"),
        ("documentation", "192.0.2.0/24"),
        ("documentation", "198.51.100.0/24"),
        ("documentation", "203.0.113.0/24"),
        ("documentation", "2001:db8::/32"),
        ("documentation", "3fff::/20"),
        ("reserved", "2001::/23"),
    )
)
_METADATA = frozenset(
    ip_address(text)
    for text in ("169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254")
)
_GLOBAL_V6 = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")


def refusal(address: str, allowed: Iterable[Network] = (), *, allow_private: bool = False) -> str | None:
    """Why an address must not be connected to, in a word or two; None when it may be.

    Args:
        address: a numeric address, as the resolver gave it.
        allowed: networks the operator opened; a metadata address opens only by its own /32 or /128.
        allow_private: whether loopback and private networks are open to this call.
    """
    return _refused(_reached(ip_address(address.partition("%")[0])), allowed, allow_private=allow_private)


def _reached(address: Address) -> Address:
    """Where packets to an address end up: the IPv4 address inside a mapped, NAT64 or 6to4 one, else itself."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _refused(address: Address, allowed: Iterable[Network], *, allow_private: bool) -> str | None:
    is_metadata = address in _METADATA
    if any(address in network and (network.num_addresses == 1 or not is_metadata) for network in allowed):
        return None
    if is_metadata:
        return "cloud metadata"
    for word, network in _PRIVATE:
        if address in network:
            return None if allow_private else word
    for word, network in _NEVER:
        if address in network:
            return word
    if isinstance(address, IPv6Address) and address not in _GLOBAL_V6:
        return "reserved"
    return None
