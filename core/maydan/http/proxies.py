"""Where a request comes from: the connection, or what a trusted proxy says (RFC 7239 and ``X-Forwarded-For``)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from maydan.errors import ConfigurationError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_FOR: Final = re.compile(r'(?:^|[;,\s])for\s*=\s*(?:"([^"]*)"|([^;,\s]*))', re.IGNORECASE)


class Proxies:
    """The networks whose word counts."""

    __slots__ = ("_networks",)

    def __init__(self, trusted: Sequence[str]) -> None:
        """Trust addresses and networks.

        Raises:
            ConfigurationError: One of them is neither.
        """
        networks: list[Network] = []
        for text in trusted:
            try:
                networks.append(ip_network(text, strict=False))
            except ValueError as error:
                raise ConfigurationError(
                    f"[server] trusted_proxies: {text!r} is neither an address nor a network such as 10.0.0.0/8."
                ) from error
        self._networks = tuple(networks)

    def address(self, client: tuple[str, int] | None, headers: Mapping[bytes, bytes]) -> str:
        """Return the client's address: the rightmost in the chain of proxies that is not a trusted proxy itself.

        Where ``Forwarded`` and ``X-Forwarded-For`` are both there and disagree, neither is believed.

        Returns:
            An IP address in canonical form; empty where the connection has none (a Unix socket without a proxy).
        """
        host = client[0] if client else ""
        if not self._networks or (host and not self._trusts(_parse(host))):
            return host
        told = {self._nearest(chain, host) for chain in _chains(headers)}
        # A proxy writes one of the headers and passes the other on as the client sent it; nothing tells which.
        return told.pop() if len(told) == 1 else host

    def _nearest(self, chain: Sequence[str], host: str) -> str:
        for text in reversed(chain):
            address = _parse(text)
            if address is None:
                return host
            host = str(address)
            if not self._trusts(address):
                return host
        return host

    def _trusts(self, address: Address | None) -> bool:
        return address is not None and any(address in network for network in self._networks)


def _chains(headers: Mapping[bytes, bytes]) -> list[list[str]]:
    """Return the addresses that proxies noted, the nearest proxy's last, for each of the headers that is there."""
    chains: list[list[str]] = []
    forwarded, noted = headers.get(b"forwarded"), headers.get(b"x-forwarded-for")
    if forwarded is not None:
        chains.append([quoted or plain for quoted, plain in _FOR.findall(forwarded.decode("latin-1"))])
    if noted is not None:
        chains.append([part.strip() for part in noted.decode("latin-1").split(",")])
    return chains


def _parse(text: str) -> Address | None:
    """Read ``192.0.2.1``, ``192.0.2.1:80``, ``2001:db8::1`` or ``[2001:db8::1]:80``."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
