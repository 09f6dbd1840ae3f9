"""Where webhooks may go: public addresses only, also where an IPv4 address hides in an IPv6 one."""

import asyncio
import socket
from typing import Any
from uuid import uuid4

import pytest

from orchestrator.http import addresses, transport
from orchestrator.http.addresses import AddressRefused, HostUnknown, guarded
from orchestrator.http.clients import Clients
from schemas.manners import Timeouts
from schemas.providers import Provider, ProviderOptions, Vendor, Wire


def resolving(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Let every host have these addresses."""

    async def look_up(_host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        return [
            (socket.AF_INET6 if ":" in address else socket.AF_INET, 1, 6, "", (address, port))
            for address in addresses
        ]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", look_up)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "224.0.0.1",
        "::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "::ffff:10.0.0.1",
        "::10.0.0.1",
        "::ffff:0:10.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b::169.254.169.254",
        "64:ff9b:1::808:808",
        "2002:a00:1::1",
        "2002:a9fe:a9fe::",
        "2001:0:a00:1::f7f7:f7f7",
        "2001:0:808:808::f5ff:fffe",
    ],
)
async def test_an_address_that_leads_inside_is_refused(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    resolving(monkeypatch, address)
    with pytest.raises(AddressRefused, match="private address"):
        await guarded("http://example.com/hook", allow_private=False)


@pytest.mark.parametrize("address", ["8.8.8.8", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2606:4700::1111"])
async def test_a_public_address_is_called_by_its_number(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    resolving(monkeypatch, address)
    url, host = await guarded("http://example.com:81/hook?a=b", allow_private=False)
    assert url.endswith(":81/hook?a=b")
    assert "example" not in url
    assert host == "example.com:81"


@pytest.mark.parametrize("url", ["http://a/\x07", "http://bücher.example/", "http://[::1", "http:///x"])
async def test_an_address_that_no_request_can_carry_is_refused(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    resolving(monkeypatch, "8.8.8.8")
    with pytest.raises(AddressRefused) as raised:
        await guarded(url, allow_private=False)
    assert not isinstance(raised.value, HostUnknown)


async def test_webhooks_to_many_hosts_share_one_client() -> None:
    clients = Clients(connect_timeout=1)
    assert clients.anywhere() is clients.anywhere()
    await clients.close()


async def test_a_provider_is_waited_for_as_it_says_when_connecting() -> None:
    provider = Provider(
        id=uuid4(), name="p", vendor=Vendor.OPENAI, wire=Wire.OPENAI_CHAT, base_url="https://x.org/v1",
        model="m", credential="none", options=ProviderOptions(timeouts=Timeouts(connect_seconds=0.5)),
    )  # fmt: skip
    clients = Clients(connect_timeout=5)
    own, usual = clients.to(provider, private=False), clients.of("https://x.org/v1", private=False)
    assert (own.timeout.connect, usual.timeout.connect) == (0.5, 5)
    assert clients.to(provider, private=False) is own
    await clients.close()


@pytest.mark.parametrize(
    ("address", "public", "private"),
    [
        ("93.184.216.34", True, True),
        ("2606:2800:220:1:248:1893:25c8:1946", True, True),
        ("127.0.0.1", False, True),
        ("10.1.2.3", False, True),
        ("::1", False, True),
        ("fd12::1", False, True),
        ("169.254.169.254", False, False),
        ("fe80::1", False, False),
        ("fd00:ec2::254", False, False),
        ("::ffff:169.254.169.254", False, False),
        ("64:ff9b::169.254.169.254", False, False),
        ("0.0.0.0", False, False),
        ("224.0.0.1", False, False),
    ],
)
def test_a_connection_is_opened_to_the_addresses_that_a_provider_may_be_at(
    monkeypatch: pytest.MonkeyPatch, address: str, public: bool, private: bool
) -> None:
    monkeypatch.setattr(transport, "_socket", lambda _: None)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    found = (family, socket.SOCK_STREAM, 6, "", (address, 443))
    for opened, allowed in ((transport._public_socket, public), (transport._private_socket, private)):
        if allowed:
            opened(found)
        else:
            with pytest.raises(OSError, match=r"address"):
                opened(found)


@pytest.mark.parametrize(
    "host",
    ["localhost", "a.localhost", "LOCALHOST.", "printer.local", "10.0.0.1", "127.1", "0x7f000001", "[::1]"],
)
def test_a_host_that_is_private_by_its_name_is_known(host: str) -> None:
    assert addresses.is_private_host(host)


@pytest.mark.parametrize("host", ["api.openai.com", "8.8.8.8", "local.example.org", "xn--bcher-kva.example"])
def test_a_host_that_may_be_public_is_let_through(host: str) -> None:
    assert not addresses.is_private_host(host)
