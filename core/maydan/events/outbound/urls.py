"""Reading the URL of another server, as somebody gave it."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from maydan.events.outbound.addresses import find_address, is_allowed

MAX_LENGTH: Final = 2000
_PORTS: Final = {"http": 80, "https": 443}
_SERVICES: Final = frozenset(
    {
        1080, 1433, 1521, 1719, 1720, 1723, 2049, 2181, 2375, 2376, 2379, 2380, 3128, 3306, 3389, 3659, 4045, 4190,
        5060, 5061, 5432, 5672, 5900, 5984, 6000, 6379, 6443, 6566, 6667, 6697, 7001, 8086, 8500, 9042, 9092, 9200,
        9300, 10080, 10250, 11211, 15672, 25565, 27017, 50070,
    }
)  # fmt: skip
"""Ports above 1023 of services that are no web servers, or never meant for strangers."""
_PRINTABLE: Final = re.compile(r"[\x21-\x5b\x5d-\x7e\u00a1-\ud7ff\uf900-\U000e0fff]+")
"""No blanks, no control characters, no backslash, which some read as a slash."""
_LABEL: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_LOCAL: Final = frozenset({"localhost", "local", "localdomain", "internal", "intranet", "lan", "home", "corp", "arpa"})
"""Last labels of names that only mean something inside a network."""


class UrlRefused(ValueError):
    """The URL cannot be asked for; the message is a phrase such as ``must begin with https:// or http://``."""

    def __init__(self, code: str, message: str) -> None:
        """Keep a code for machines and the phrase."""
        super().__init__(message)
        self.code = code


class Target(Struct, frozen=True, kw_only=True):
    """A URL in its parts, ready to be asked for."""

    scheme: str
    host: str
    """In lower case and ASCII (IDNA); an IPv6 address without brackets."""
    port: int
    path: str
    """With the query, in ASCII."""

    @property
    def authority(self) -> str:
        """What the ``Host`` header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The whole, in its normal form."""
        return f"{self.scheme}://{self.authority}{self.path}"


def read_url(url: str, *, allow_private: bool = False) -> Target:
    """Take a URL apart; without asking anybody, so a name may still turn out to be inside.

    Raises:
        UrlRefused: It is no URL of a web server, has a user or a fragment, an odd port, or an address inside.
    """
    if len(url) > MAX_LENGTH:
        raise UrlRefused("too_long", f"must have at most {MAX_LENGTH} characters")
    if not _PRINTABLE.fullmatch(url):
        raise UrlRefused("bad_url", "must be a URL without blanks, control characters and backslashes")
    try:
        parts = urlsplit(url)
        name, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise UrlRefused("bad_url", "is not a URL") from error
    if parts.scheme not in _PORTS or not url[len(parts.scheme) :].startswith("://"):
        raise UrlRefused("bad_scheme", "must begin with https:// or http://")
    if "@" in parts.netloc:
        raise UrlRefused("user_in_url", "must not name a user")
    if "#" in url:
        raise UrlRefused("fragment_in_url", "must not have a fragment")
    port = _PORTS[parts.scheme] if port is None else port
    if not _is_port(port):
        raise UrlRefused("bad_port", "must use port 443, 80 or one above 1023 that no other service has")
    path = _ascii(parts.path or "/") + (f"?{_ascii(parts.query)}" if parts.query else "")
    host = _host(name, in_brackets="[" in parts.netloc, allow_private=allow_private)
    return Target(scheme=parts.scheme, host=host, port=port, path=path)


def _host(name: str, *, in_brackets: bool, allow_private: bool) -> str:
    if in_brackets:
        host = name
    else:
        try:
            host = name.encode("idna").decode("ascii").lower().removesuffix(".")
        except UnicodeError as error:
            raise UrlRefused("bad_host", "must name a host") from error
    address = find_address(host)
    if address is not None:
        if not is_allowed(address, allow_private=allow_private):
            raise UrlRefused("inward_address", "must not lead into a private or reserved network")
        return str(address)
    if in_brackets:
        raise UrlRefused("bad_host", "must have an IPv6 address in its brackets")
    labels = host.split(".")
    # ``127.1``, ``2130706433``, ``0x7f.0.0.1`` and ``0177.0.0.1`` are addresses to a resolver, though not to us.
    if _NUMBER.fullmatch(labels[-1]):
        raise UrlRefused("bad_host", "must name a host, or write an IPv4 address as four decimal numbers")
    if not host or len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise UrlRefused("bad_host", "must name a host")
    if not allow_private and (len(labels) == 1 or labels[-1] in _LOCAL):
        raise UrlRefused("inward_address", "must not lead into a private or reserved network")
    return host


def _is_port(port: int) -> bool:
    return port in _PORTS.values() or (port > 1023 and port not in _SERVICES)


def _ascii(text: str) -> str:
    """Return the text with what is not ASCII percent-encoded, as browsers do."""
    return "".join(
        character if character.isascii() else "".join(f"%{byte:02X}" for byte in character.encode())
        for character in text
    )
