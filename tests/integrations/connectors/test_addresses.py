from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from integrations.connectors.addresses import NOT_ALLOWED, NOT_AN_ADDRESS, AddressRule
from integrations.connectors.base import Misconfigured

REFUSED = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "203.0.113.7",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "64:ff9b:1::7f00:1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "3fff::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
]

PUBLIC = ["1.1.1.1", "93.184.215.14", "2606:4700:4700::1111", "::ffff:1.1.1.1"]


@pytest.mark.parametrize("address", REFUSED)
def test_refuses_an_address_that_is_not_public(address: str) -> None:
    with pytest.raises(Misconfigured, match="not allowed"):
        AddressRule().check(ip_address(address), scheme="https", port=443)


@pytest.mark.parametrize("address", PUBLIC)
def test_allows_a_public_address_over_tls(address: str) -> None:
    AddressRule().check(ip_address(address), scheme="https", port=443)


def test_refuses_a_public_address_without_tls() -> None:
    with pytest.raises(Misconfigured, match="not allowed"):
        AddressRule().check(ip_address("1.1.1.1"), scheme="http", port=80)


@pytest.mark.parametrize("port", [22, 25, 53, 465, 993])
def test_refuses_a_port_of_another_service(port: int) -> None:
    with pytest.raises(Misconfigured, match="not allowed"):
        AddressRule().check(ip_address("1.1.1.1"), scheme="https", port=port)


@pytest.mark.parametrize("address", ["10.1.2.3", "::ffff:10.1.2.3"])
def test_allows_what_the_operator_allows(address: str) -> None:
    rule = AddressRule([ip_network("10.0.0.0/8")])

    rule.check(ip_address(address), scheme="http", port=8080)

    with pytest.raises(Misconfigured):
        rule.check(ip_address("127.0.0.1"), scheme="http", port=8080)


@pytest.mark.parametrize(
    "base_url",
    [
        "",
        "app.example.com",
        "/api",
        "ftp://app.example.com",
        "file:///etc/passwd",
        "https://",
        "https://admin@app.example.com",
        "https://admin:secret@app.example.com",
        "https://app.example.com?x=1",
        "https://app.example.com/#top",
        "https://app.example.com\\@127.0.0.1",
        "https://app.example.com:port",
        "https://app.example.com:99999",
    ],
)
def test_refuses_what_is_no_address_of_an_app(base_url: str) -> None:
    with pytest.raises(Misconfigured) as failure:
        AddressRule().check_base_url(base_url)

    assert failure.value.message == NOT_AN_ADDRESS


@pytest.mark.parametrize("base_url", ["https://127.0.0.1", "https://[::1]:8443/app"])
def test_refuses_a_private_address_before_any_call(base_url: str) -> None:
    with pytest.raises(Misconfigured) as failure:
        AddressRule().check_base_url(base_url)

    assert failure.value.message == NOT_ALLOWED


@pytest.mark.parametrize(
    "base_url", ["https://app.example.com", "https://app.example.com:8443/team/api"]
)
def test_accepts_the_address_of_an_app(base_url: str) -> None:
    assert str(AddressRule().check_base_url(base_url)) == base_url
