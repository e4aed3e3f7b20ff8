from __future__ import annotations

import pytest

from maydan.errors import ConfigurationError
from maydan.http.proxies import Proxies

TRUSTED = Proxies(["10.0.0.0/8", "::1", "2001:db8::/32"])


@pytest.mark.parametrize(
    ("client", "headers", "address"),
    [
        ("192.0.2.7", {b"x-forwarded-for": b"1.1.1.1"}, "192.0.2.7"),
        ("10.0.0.1", {}, "10.0.0.1"),
        ("10.0.0.1", {b"x-forwarded-for": b"198.51.100.2"}, "198.51.100.2"),
        ("10.0.0.1", {b"x-forwarded-for": b"6.6.6.6, 198.51.100.2, 10.9.9.9"}, "198.51.100.2"),
        ("10.0.0.1", {b"x-forwarded-for": b"10.1.1.1, 10.2.2.2"}, "10.1.1.1"),
        ("10.0.0.1", {b"x-forwarded-for": b"198.51.100.2:4711"}, "198.51.100.2"),
        ("10.0.0.1", {b"x-forwarded-for": b"6.6.6.6, nonsense, 10.2.2.2"}, "10.2.2.2"),
        ("::1", {b"forwarded": b'for="[2606:4700::1]:443";proto=https'}, "2606:4700::1"),
        ("::1", {b"forwarded": b"for=6.6.6.6, for=198.51.100.2;by=x, For=10.1.1.1"}, "198.51.100.2"),
        ("::ffff:10.0.0.1", {b"x-forwarded-for": b"198.51.100.2"}, "198.51.100.2"),
        ("", {b"x-forwarded-for": b"198.51.100.2"}, "198.51.100.2"),
        ("10.0.0.1", {b"forwarded": b"for=6.6.6.6", b"x-forwarded-for": b"198.51.100.2"}, "10.0.0.1"),
        ("10.0.0.1", {b"forwarded": b"for=198.51.100.2", b"x-forwarded-for": b"6.6.6.6"}, "10.0.0.1"),
        ("10.0.0.1", {b"forwarded": b"for=198.51.100.2", b"x-forwarded-for": b"198.51.100.2"}, "198.51.100.2"),
        ("10.0.0.1", {b"forwarded": b"secret=x", b"x-forwarded-for": b"198.51.100.2"}, "10.0.0.1"),
    ],
)
def test_the_address_is_the_rightmost_that_no_trusted_proxy_has(
    client: str, headers: dict[bytes, bytes], address: str
) -> None:
    """What a client writes itself stands further left, and is never believed."""
    assert TRUSTED.address((client, 1) if client else None, headers) == address


def test_nobody_is_trusted_unless_it_is_set() -> None:
    """Without a setting the connection's own address counts."""
    assert Proxies([]).address(("127.0.0.1", 1), {b"x-forwarded-for": b"6.6.6.6"}) == "127.0.0.1"


def test_a_typing_error_in_the_setting_stops_the_start() -> None:
    """One line that names what is wrong."""
    with pytest.raises(ConfigurationError, match="trusted_proxies: 'proxy'"):
        Proxies(["proxy"])
