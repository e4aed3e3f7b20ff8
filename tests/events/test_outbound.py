"""The guarded client connects to what was judged, and to nothing inside."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Sequence
from typing import Any

import httpcore
import pytest
from webhook_receiver import Got, answer, receiving, says  # pyright: ignore[reportMissingImports] - tests/support

from maydan.events.outbound import Outbound, OutboundFailed, UrlRefused, read_url
from maydan.events.outbound.pinning import Door

pytestmark = pytest.mark.anyio

INWARD = [
    "http://127.0.0.1/", "http://10.1.2.3/", "http://172.31.0.1/", "http://192.168.0.1/", "http://100.64.0.1/",
    "http://169.254.169.254/latest/meta-data/", "http://0.0.0.0/", "http://224.0.0.1/", "http://255.255.255.255/",
    "http://192.0.2.1/", "http://198.18.0.1/", "http://168.63.129.16/", "http://[::1]/", "http://[::]/",
    "http://[fe80::1]/", "http://[fc00::1]/", "http://[fd00:ec2::254]/", "http://[ff02::1]/", "http://[2001:db8::1]/",
    "http://[::ffff:10.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[64:ff9b::10.0.0.1]/", "http://[64:ff9b:1::1]/",
    "http://[2002:0a00:0001::]/", "http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/", "http://[::127.0.0.1]/",
    "http://localhost/", "http://LOCALHOST./", "http://a.localhost/", "http://metadata.google.internal/",
    "http://printer/", "http://nas.local/", "http://１２７.0.0.1/", "http://127。0。0。1/",
]  # fmt: skip
ODD = [
    "http://2130706433/", "http://0x7f000001/", "http://0177.0.0.1/", "http://0x7f.1/", "http://127.1/",
    "http://127.0.0.1.5/", "http://010.0.0.1/", "ftp://example.com/", "file:///etc/passwd", "gopher://example.com/",
    "javascript:alert(1)", "//example.com/", "example.com", "", "http://", "http:///x", "http:example.com",
    "http://user:secret@example.com/", "http://user@example.com/", "http://example.com:22/", "http://example.com:0/",
    "http://example.com:99999/", "http://example.com:6379/", "http://example.com:x/", "http://example.com/a b",
    "http://example.com/\r\nX: y", "http://example.com\\@127.0.0.1/", "http://example.com/#part", "http://a b.com/",
    "http://[::1", "http://[fe80::1%25eth0]/", "http://..example.com/", "http://" + "a" * 64 + ".com/",
    "https://example.com/" + "a" * 2000, "http://-a.com/", "http://[v1.x]/", "http://\u202eexample.com/",
]  # fmt: skip


class Recorder(httpcore.AsyncNetworkBackend):
    """A network that notes who is called and dials nobody."""

    def __init__(self) -> None:
        self.called: list[tuple[str, int]] = []

    async def connect_tcp(self, host: str, port: int, **_: Any) -> httpcore.AsyncNetworkStream:  # type: ignore[override]
        self.called.append((host, port))
        raise httpcore.ConnectError("nobody is there")


class Names:
    """A resolver that notes what it is asked; each answer is given once, the last one for ever."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        if not self.answers:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def guarded(names: Names, network: Recorder | None = None) -> Outbound:
    """A client with a resolver and a network of the test's own."""
    return Outbound(door=Door(allow_private=False, resolve=names, network=network))


async def failure(client: Outbound, url: str = "https://shop.example/hook", **more: Any) -> str:
    """The reason for which a request fails."""
    with pytest.raises(OutboundFailed) as caught:
        await client.request("POST", read_url(url, allow_private=client.allow_private), content=b"x", **more)
    await client.close()
    return caught.value.reason


@pytest.mark.parametrize("url", INWARD)
def test_an_address_inside_is_no_url_however_it_is_written(url: str) -> None:
    """Neither private nor special addresses, nor names that only mean something inside."""
    with pytest.raises(UrlRefused) as caught:
        read_url(url)
    assert caught.value.code == "inward_address"


@pytest.mark.parametrize("url", ODD)
def test_what_is_not_plainly_a_web_server_is_no_url(url: str) -> None:
    """Other schemes, users, odd ports, spellings that only a resolver understands."""
    with pytest.raises(UrlRefused):
        read_url(url)


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("HTTPS://Example.COM", "https://example.com/"),
        ("https://example.com:443/a?b=c", "https://example.com/a?b=c"),
        ("http://example.com:8080/ü", "http://example.com:8080/%C3%BC"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://8.8.8.8/x", "https://8.8.8.8/x"),
        ("https://[2606:4700::1111]:8443/", "https://[2606:4700::1111]:8443/"),
        ("https://example.com./", "https://example.com/"),
    ],
)
def test_a_url_has_one_normal_form(url: str, normal: str) -> None:
    """What is stored and shown is what is asked for."""
    assert read_url(url).url == normal
    assert read_url(normal).url == normal


@pytest.mark.parametrize("url", ["http://169.254.169.254/", "http://[fd00:ec2::254]/", "http://0.0.0.0/"])
def test_data_about_the_machine_stays_out_of_reach_also_where_private_networks_are_allowed(url: str) -> None:
    """``allow_private`` is for receivers in one's own network."""
    assert read_url("http://127.0.0.1:1234/", allow_private=True).port == 1234
    with pytest.raises(UrlRefused):
        read_url(url, allow_private=True)


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"], ["10.0.0.1"], ["::ffff:10.0.0.1"], ["169.254.169.254"], ["fe80::1%eth0"], ["nonsense"],
        ["93.184.216.34", "192.168.1.1"],
    ],
)  # fmt: skip
async def test_a_name_that_leads_inward_is_refused_and_nothing_connects(addresses: list[str]) -> None:
    """One address inside among others is enough."""
    network = Recorder()
    assert await failure(guarded(Names(addresses), network)) == "inward"
    assert network.called == []


async def test_a_connection_goes_to_exactly_the_address_that_was_judged() -> None:
    """The name is resolved once, so it cannot mean something else between the look and the call."""
    names, network = Names(["93.184.216.34"], ["127.0.0.1"]), Recorder()
    client = guarded(names, network)
    assert await failure(client) == "connect"
    assert network.called == [("93.184.216.34", 443)]
    assert names.asked == ["shop.example"]
    assert await failure(client) == "inward"
    assert network.called == [("93.184.216.34", 443)]


async def test_a_name_without_addresses_fails() -> None:
    """And at most three addresses are tried."""
    assert await failure(guarded(Names())) == "name"
    network = Recorder()
    assert await failure(guarded(Names([f"93.184.216.{last}" for last in range(9)]), network)) == "connect"
    assert len(network.called) == 3


async def test_the_host_is_named_while_the_address_is_called() -> None:
    """A server with many names must know which is meant."""
    async with receiving(says(200, "X-Said: yes", body=b"0123456789")) as receiver:
        door = Door(allow_private=True, resolve=Names(["127.0.0.1"]))
        client = Outbound(allow_private=True, door=door)
        target = read_url(f"http://shop.example:{receiver.port}/hook?a=1", allow_private=True)
        answered = await client.request("POST", target, content=b"{}", body_bytes=4)
        await client.close()
    assert (answered.status, answered.headers["x-said"], answered.body) == (200, "yes", b"0123")
    assert receiver.got[0].headers["host"] == f"shop.example:{receiver.port}"
    assert receiver.got[0].path == "/hook?a=1"


async def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    """Wherever it leads."""
    async with receiving(says(302, "Location: http://169.254.169.254/")) as receiver:
        client = Outbound(allow_private=True)
        answered = await client.request("POST", read_url(receiver.url, allow_private=True))
        await client.close()
    assert answered.status == 302
    assert receiver.connections == 1


async def test_connections_are_used_again() -> None:
    """And an answer whose body goes on for ever costs its connection, and no time."""
    async with receiving() as receiver:
        client = Outbound(allow_private=True)
        target = read_url(receiver.url, allow_private=True)
        for _ in range(3):
            assert (await client.request("POST", target, content=b"x")).status == 204
        assert receiver.connections == 1
        receiver.behave = says(200, "Content-Type: text/plain", body=b"x" * 10_000_000)
        assert (await client.request("POST", target, content=b"x")).status == 200
        receiver.behave = says(204)
        assert (await client.request("POST", target, content=b"x")).status == 204
        assert receiver.connections == 2
        await client.close()


async def hangs(got: Got, writer: asyncio.StreamWriter) -> None:
    """Never answer."""
    await asyncio.sleep(60)


async def drips(got: Got, writer: asyncio.StreamWriter) -> None:
    """Answer a byte at a time."""
    for byte in answer(200, "X-Long: " + "x" * 1000):
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.05)


async def resets(got: Got, writer: asyncio.StreamWriter) -> None:
    """Break the connection."""
    writer.transport.abort()


async def babbles(got: Got, writer: asyncio.StreamWriter) -> None:
    """Say what is not HTTP."""
    writer.write(b"\x00\x01 hello\r\n\r\n")


@pytest.mark.parametrize(
    ("behave", "reason"), [(hangs, "timeout"), (drips, "timeout"), (resets, "broken"), (babbles, "broken")]
)
async def test_a_bad_server_costs_its_time_and_no_more(behave: Any, reason: str) -> None:
    """Everything together has one limit of time."""
    async with receiving(behave) as receiver:
        assert await failure(Outbound(allow_private=True), receiver.url, time_s=0.3) == reason


async def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Any) -> None:
    """No setting makes the client take one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate = tmp_path / "server.pem"
    certificate.write_text(SELF_SIGNED)
    context.load_cert_chain(certificate)
    async with receiving(tls=context) as receiver:
        assert await failure(Outbound(allow_private=True), receiver.url) == "tls"
    assert receiver.got == []


SELF_SIGNED = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgB8yuNj7Cl9P/7P5f
o3nNVBekLVS1fCrxquB6bSZcKm6hRANCAATOkKaw6hQttfyEJP2y237ZPkkwmDsJ
pUzrFwI0tGVTQZEM1ilX7ORwgYha/SCVigW4jJWVr+4WjAfpn/RynZsw
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBkDCCATagAwIBAgIUQ6akM9MauRo69VqGwwe9R/oKWqEwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMzAyMzQ0NFoYDzIxMjYxMDMw
MDIzNDQ0WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAATOkKaw6hQttfyEJP2y237ZPkkwmDsJpUzrFwI0tGVTQZEM1ilX7ORw
gYha/SCVigW4jJWVr+4WjAfpn/RynZswo2QwYjAdBgNVHQ4EFgQUlcTAonkLRbpn
wJkT3ajfasYrS/UwHwYDVR0jBBgwFoAUlcTAonkLRbpnwJkT3ajfasYrS/UwDwYD
VR0TAQH/BAUwAwEB/zAPBgNVHREECDAGhwR/AAABMAoGCCqGSM49BAMCA0gAMEUC
IQCfP1mNvwUBzm5H+rMzVPMyMCUHOVSpW2kD5FSPvtXcYAIgapif8dESyoW3G3FA
7ondwnSKPpiXtAKyKml8tppq8TA=
-----END CERTIFICATE-----
"""
