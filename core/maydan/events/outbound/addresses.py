"""Which network addresses this instance may connect to."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

Address = IPv4Address | IPv6Address

_INSIDE_4: Final = tuple(
    IPv4Network(text) for text in ("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
)
"""Of the machine or its own network: private (RFC 1918), shared by carriers (RFC 6598), loopback."""
_NEVER_4: Final = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15",
        "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        "168.63.129.16/32",  # Azure's wire server: a public address that answers each machine about itself
    )
)  # fmt: skip
"""What is in IANA's registry of special addresses besides: nobody's server, or the cloud's data about the machine."""
_GLOBAL_6: Final = IPv6Network("2000::/3")
_INSIDE_6: Final = (IPv6Network("::1/128"), IPv6Network("fc00::/7"))
_NEVER_6: Final = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # IETF's own: Teredo, ORCHID, benchmarking
        "2001:db8::/32", "2002::/16", "3fff::/20",
        "fd00:ec2::254/128",  # Amazon's data about the machine
        "fd20:ce::254/128",  # Google's
    )
)  # fmt: skip
"""6to4 and Teredo carry an IPv4 address, perhaps one inside; nobody offers a server there."""
_MAPPED: Final = IPv6Network("::ffff:0:0/96")
_NAT64: Final = IPv6Network("64:ff9b::/96")
"""RFC 6052: how a machine without IPv4 reaches an IPv4 address, its last 32 bits."""


def is_allowed(address: Address, *, allow_private: bool = False) -> bool:
    """Tell whether a connection may go there.

    Args:
        address: One that a name was resolved to, or that a URL has.
        allow_private: Also loopback and private networks; link-local addresses, multicast and the cloud's data about
            the machine are refused all the same.
    """
    if isinstance(address, IPv6Address):
        inner = _embedded(address)
        if inner is None:
            return _is_allowed_6(address, allow_private=allow_private)
        address = inner
    if any(address in network for network in _NEVER_4):
        return False
    return allow_private or not any(address in network for network in _INSIDE_4)


def find_address(text: str) -> Address | None:
    """Return the address that the text is, or None; an IPv6 address with a zone is none."""
    try:
        return None if "%" in text else ip_address(text)
    except ValueError:
        return None


def are_allowed(addresses: Iterable[Address], *, allow_private: bool = False) -> bool:
    """Tell whether a name may be connected to: one address inside among others is a trick, so all must be allowed."""
    return all(is_allowed(address, allow_private=allow_private) for address in addresses)


def _is_allowed_6(address: IPv6Address, *, allow_private: bool) -> bool:
    if any(address in network for network in _NEVER_6) or address.scope_id is not None:
        return False
    return address in _GLOBAL_6 or (allow_private and any(address in network for network in _INSIDE_6))


def _embedded(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address to which a connection would go in truth."""
    if address in _MAPPED or address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return None
