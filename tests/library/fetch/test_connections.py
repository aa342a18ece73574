import ipaddress
import socket

import pytest

from webui.library.fetch import connections
from webui.library.fetch.connections import guard_backend, is_public, public_addresses
from webui.library.fetch.refusals import FetchRefused
from webui.library.fetch.sites import Sites
from webui.library.fetch.web import Web

PRIVATE = [
    "127.0.0.1", "10.1.2.3", "192.168.0.1", "172.16.0.1", "169.254.169.254", "0.0.0.0", "100.64.0.1",
    "224.0.0.1", "255.255.255.255", "240.0.0.1", "::", "::1", "fe80::1", "fc00::1", "ff02::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::",
    "2002:c0a8:1::1",
]  # fmt: skip
PUBLIC = ["1.1.1.1", "104.18.0.1", "2606:4700::1111", "64:ff9b::101:101", "::ffff:1.1.1.1"]


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_of_this_machine_or_its_network_is_not_public(address):
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_of_the_internet_is_public(address):
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "127.1", "2130706433", "0x7f.1", "[::1]".strip("[]")]
)
def test_every_spelling_of_this_machine_is_refused(host):
    with pytest.raises(FetchRefused) as caught:
        public_addresses(host, 80)
    assert caught.value.cause in ("private address", "no connection")


def resolving(*addresses):
    """A resolver that knows one answer."""
    return lambda host, port, type: [(socket.AF_INET, type, 6, "", (address, port)) for address in addresses]


def test_a_name_with_one_private_address_among_others_is_refused(monkeypatch):
    monkeypatch.setattr(connections.socket, "getaddrinfo", resolving("1.1.1.1", "10.0.0.1"))
    with pytest.raises(FetchRefused) as caught:
        public_addresses("rebinding.example", 443)
    assert caught.value.cause == "private address"


def test_the_connection_goes_to_the_address_that_was_checked(monkeypatch):
    asked = []

    class Plain:
        def connect_tcp(self, host, *_):
            asked.append(host)

    monkeypatch.setattr(connections.socket, "getaddrinfo", resolving("1.1.1.1"))
    backend = guard_backend(frozenset())
    backend._plain = Plain()
    backend.connect_tcp("one.example", 443)
    assert asked == ["1.1.1.1"]


def test_this_machine_is_not_asked_unless_the_program_itself_says_so(fake):
    address = f"{fake.url}/api/v1/enums"
    with pytest.raises(FetchRefused) as caught:
        Web(Sites(), lambda _: None).json(address)
    assert caught.value.cause == "private address"
    assert fake.seen == []
    assert "ModelType" in Web(fake.sites, lambda _: None).json(address)
