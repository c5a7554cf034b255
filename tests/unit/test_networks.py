"""Networks that a ticket may be used from."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import InvalidInputError
from app.domain.networks import clean_networks, is_from


@given(network=st.ip_addresses().flatmap(lambda ip: st.integers(0, ip.max_prefixlen).map(lambda n: (ip, n))))
def test_an_address_is_in_the_networks_that_it_begins(network: tuple[object, int]) -> None:
    address, length = network
    kept = ipaddress.ip_network(f"{address}/{length}", strict=False)
    assert is_from(clean_networks([str(kept)], 1), str(address))


@given(address=st.ip_addresses(), other=st.ip_addresses())
def test_only_itself_is_in_a_network_of_one(address: object, other: object) -> None:
    networks = clean_networks([str(address)], 1)
    assert is_from(networks, str(address))
    mapped = getattr(other, "ipv4_mapped", None)
    assert is_from(networks, str(other)) is (address in {other, mapped})


@pytest.mark.parametrize(
    ("networks", "address", "inside"),
    [
        ((), None, True),
        ((), "192.0.2.1", True),
        (("192.0.2.0/24",), "192.0.2.255", True),
        (("192.0.2.0/24",), "192.0.3.0", False),
        (("192.0.2.0/24",), "::ffff:192.0.2.7", True),
        (("192.0.2.0/24",), "2001:db8::1", False),
        (("2001:db8::/32",), "2001:db8:ffff::1", True),
        (("fe80::/10",), "fe80::1%eth0", True),
        (("2001:db8::/32", "192.0.2.0/24"), "192.0.2.1", True),
        (("0.0.0.0/0",), "::1", False),
        (("192.0.2.0/24",), None, False),
        (("192.0.2.0/24",), "", False),
        (("192.0.2.0/24",), "unknown", False),
        (("192.0.2.0/24",), "192.0.2.1, 10.0.0.1", False),
    ],
)
def test_where_somebody_comes_from(networks: tuple[str, ...], address: str | None, inside: bool) -> None:
    assert is_from(networks, address) is inside


def test_networks_are_kept_once_and_in_one_spelling() -> None:
    typed = [" 192.0.2.0/24", "192.0.2.0/255.255.255.0", "2001:DB8:0:0::/32", "192.0.2.7"]
    assert clean_networks(typed, 20) == ("192.0.2.0/24", "2001:db8::/32", "192.0.2.7/32")


@pytest.mark.parametrize(
    "typed", [["192.0.2.1/24"], ["x"], [""], ["1.2.3"], ["192.0.2.0/33"], ["10.0.0.1"] * 1 + ["no"]]
)
def test_what_is_no_network_is_named(typed: list[str]) -> None:
    with pytest.raises(InvalidInputError, match="is not a network"):
        clean_networks(typed, 20)


def test_there_may_not_be_too_many() -> None:
    with pytest.raises(InvalidInputError, match="20 networks"):
        clean_networks([f"10.0.0.{number}" for number in range(21)], 20)
