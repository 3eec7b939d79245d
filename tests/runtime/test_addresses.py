"""Which addresses are open, by kind of address and by what the operator allows."""

from ipaddress import ip_address, ip_network

import pytest

from interlock.runtime.addresses import refusal

PRIVATE = ["127.0.0.1", "127.9.9.9", "10.0.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "::1", "fd12::1"]
CLOSED = [
    "0.0.0.0", "169.254.1.1", "224.0.0.1", "255.255.255.255", "240.0.0.1", "192.0.0.8", "192.0.2.1", "198.18.0.1",
    "203.0.113.9", "::", "100::1", "64:ff9b:1::1",
    "fe80::1", "fe80::1%eth0", "ff02::1", "fec0::1", "2001::1", "2001:db8::1",
]  # fmt: skip
METADATA = ["169.254.169.254", "100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254"]
PUBLIC = ["8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::1"]


def in_ipv6(address: str) -> list[str]:
    """The IPv6 spellings that end up at an IPv4 address: mapped, NAT64, 6to4."""
    packed = ip_address(address).packed
    high, low = packed[:2].hex(), packed[2:].hex()
    return [f"::ffff:{high}:{low}", f"64:ff9b::{high}:{low}", f"2002:{high}:{low}::1"]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_open(address: str) -> None:
    assert refusal(address) is None


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_open_only_with_permission(address: str) -> None:
    assert refusal(address) is not None
    assert refusal(address, allow_private=True) is None


@pytest.mark.parametrize("address", CLOSED + METADATA)
def test_other_special_addresses_stay_closed_to_a_private_call(address: str) -> None:
    assert refusal(address) is not None
    assert refusal(address, allow_private=True) is not None


@pytest.mark.parametrize("address", [text for text in PRIVATE + CLOSED + METADATA if ":" not in text])
def test_a_closed_ipv4_address_stays_closed_in_ipv6_clothes(address: str) -> None:
    for spelling in in_ipv6(address):
        assert refusal(spelling) is not None, spelling


def test_a_public_ipv4_address_is_open_in_ipv6_clothes() -> None:
    assert [refusal(spelling) for spelling in in_ipv6("8.8.8.8")] == [None, None, None]


def test_the_operator_opens_networks() -> None:
    opened = (ip_network("10.1.0.0/16"),)
    assert refusal("10.1.2.3", opened) is None
    assert refusal("::ffff:10.1.2.3", opened) is None
    assert refusal("10.2.0.1", opened) == "private"


def test_metadata_opens_only_by_its_own_address() -> None:
    assert refusal("169.254.169.254", (ip_network("0.0.0.0/0"),)) == "cloud metadata"
    assert refusal("169.254.169.254", (ip_network("169.254.169.254/32"),)) is None
