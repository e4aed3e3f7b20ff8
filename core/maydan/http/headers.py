"""Request headers as the kernel reads them: raw bytes, looked at only when a route needs them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from maydan.errors import Unauthenticated
from maydan.ids import new_id

_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_BEARER: Final = re.compile(rb"(?i:bearer) +([A-Za-z0-9._~+/=-]{1,4096})")
_LANGUAGE: Final = re.compile(r"\s*(\*|[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*)\s*(?:;\s*q=([01]?(?:\.[0-9]{0,3})?)\s*)?")


def read_headers(lines: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Return the headers by lower-case name; lines of one name are joined by commas (RFC 9110, section 5.3)."""
    lines = list(lines)
    headers = dict(lines)
    if len(headers) != len(lines):
        headers = {}
        for name, value in lines:
            headers[name] = headers[name] + b", " + value if name in headers else value
    return headers


def request_id(headers: dict[bytes, bytes]) -> str:
    """Return the id that the client or a proxy gave, where it is harmless in a log, else a new one."""
    given = headers.get(b"x-request-id")
    return given.decode() if given is not None and _REQUEST_ID.fullmatch(given) else new_id()


def bearer_token(header: bytes) -> str:
    """Return the token of an ``Authorization`` header.

    Raises:
        Unauthenticated: It is not of the form ``Bearer <token>``.
    """
    match = _BEARER.fullmatch(header)
    if match is None:
        raise Unauthenticated("The Authorization header must be of the form: Bearer <token>.")
    return match[1].decode()


@lru_cache(maxsize=512)
def languages(header: bytes) -> tuple[str, ...]:
    """Return the languages of an ``Accept-Language`` header, best first; what cannot be read is left out."""
    wanted: list[tuple[float, str]] = []
    for part in header[:500].decode("latin-1").split(","):
        match = _LANGUAGE.fullmatch(part)
        if match and match[1] != "*":
            wanted.append((float(match[2] or 1), match[1]))
    wanted.sort(key=lambda pair: -pair[0])
    return tuple(dict.fromkeys(language for quality, language in wanted if quality > 0))
