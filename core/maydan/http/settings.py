"""What an integrator may set about the HTTP surface and its logs."""

from __future__ import annotations

import re
from typing import ClassVar, Final, Literal

from msgspec import Struct

from maydan.secret import masked_repr

_ORIGIN: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/?#@]+/?")
_BASE_URL: Final = re.compile(r"https?://[^\s/?#@]+(?:/[^\s?#]*)?", re.IGNORECASE)


class ServerSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The ``[server]`` table of ``maydan.toml``."""

    MAY_BE_ZERO: ClassVar = frozenset[str]({"stop_timeout_s"})

    base_url: str = "http://127.0.0.1:8000"
    """Where the outside reaches this instance, without a slash at the end; for links in mail, QR codes and events."""
    development: bool = False
    """Adds ``X-DB-Statements`` to answers. Never on a public instance."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks (``10.0.0.0/8``) whose ``X-Forwarded-*`` and ``Forwarded`` headers are believed."""
    cors_origins: tuple[str, ...] = ()
    """Origins whose scripts may call the API, such as ``https://shop.example``; ``*`` allows all."""
    max_body_bytes: int = 10 * 1024 * 1024
    """A larger request body is refused with 413."""
    max_bulk_lines: int = 10_000
    """A bulk with more lines is refused with 413, unless it is streamed."""
    max_stream_bytes: int = 1024 * 1024 * 1024
    """A streamed bulk with more bytes is refused with 413; while it is carried out, it lies on the disk."""
    stop_timeout_s: int = 30
    """Seconds that a stop waits for the requests in flight."""
    metrics_token: str = ""
    """Bearer token for ``/metrics`` and ``/health/details``; empty: only administrators see them."""
    idempotency_hours: int = 24
    """For how long an answer is kept for its ``Idempotency-Key``."""
    idempotency_lease_s: int = 60
    """Seconds after which a request that died with its process may be tried again under its ``Idempotency-Key``."""

    def __post_init__(self) -> None:
        """Refuse addresses with which no link and no script would work."""
        if not _BASE_URL.fullmatch(self.base_url):
            raise ValueError(
                "base_url: expected http:// or https://, a host and perhaps a path, as in https://a.example"
            )
        for origin in self.cors_origins:
            if origin != "*" and not _ORIGIN.fullmatch(origin):
                raise ValueError(f"cors_origins: expected *, or origins such as https://a.example, got {origin!r}")

    __repr__ = masked_repr


class LogSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The ``[log]`` table of ``maydan.toml``."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """What is less important than this is not written."""
    format: Literal["json", "text"] = "json"
    """``json``: one object a line; ``text``: for people."""
    requests: bool = False
    """One line for every request."""


class StreamsSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[streams]`` in ``maydan.toml``."""

    MAY_BE_ZERO: ClassVar = frozenset[str]({"retry_ms", "max_per_worker", "max_per_account", "max_per_address"})

    heartbeat_s: float = 15.0
    """Seconds of silence after which a comment line is sent, so that proxies and clients know that the stream lives."""
    retry_ms: int = 2000
    """Milliseconds after which a client that lost the stream should ask again."""
    max_per_worker: int = 5000
    """Streams that one worker keeps open; more are refused with 503. Never more than half of its file descriptors."""
    max_per_account: int = 1000
    """Streams of one account in one worker; more are refused with 429."""
    max_per_address: int = 1000
    """Streams from one network address that nobody is logged in on, in one worker; more are refused with 429."""
    buffer_bytes: int = 256 * 1024
    """What may wait for one slow reader; one with more is cut off, and asks again from where it was."""
    stall_s: float = 10.0
    """Seconds for which a reader may take nothing while something waits for it; then it is cut off."""
    recheck_s: float = 60.0
    """Seconds after which the caller of a stream is identified again, should nothing have changed earlier."""
    ticket_s: int = 30
    """Seconds for which a ticket is good."""
