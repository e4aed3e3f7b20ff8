"""What an integrator may set about the HTTP surface and its logs."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from maydan.secret import masked_repr


class ServerSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The ``[server]`` table of ``maydan.toml``."""

    base_url: str = "http://127.0.0.1:8000"
    """Where the outside reaches this instance, without a slash at the end; for links in mail and in QR codes."""
    development: bool = False
    """Adds ``X-DB-Statements`` to answers. Never on a public instance."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks (``10.0.0.0/8``) whose ``X-Forwarded-*`` and ``Forwarded`` headers are believed."""
    cors_origins: tuple[str, ...] = ()
    """Origins whose scripts may call the API, such as ``https://shop.example``; ``*`` allows all."""
    max_body_bytes: int = 10 * 1024 * 1024
    """A larger request body is refused with 413."""
    max_bulk_lines: int = 10_000
    """A bulk with more lines is refused with 413."""
    stop_timeout_s: int = 30
    """Seconds that a stop waits for the requests in flight."""
    metrics_token: str = ""
    """Bearer token for ``/metrics`` and ``/health/details``; empty: only administrators see them."""
    idempotency_hours: int = 24
    """For how long an answer is kept for its ``Idempotency-Key``."""
    idempotency_lease_s: int = 60
    """Seconds after which a request that died with its process may be tried again under its ``Idempotency-Key``."""

    __repr__ = masked_repr


class LogSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The ``[log]`` table of ``maydan.toml``."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """What is less important than this is not written."""
    format: Literal["json", "text"] = "json"
    """``json``: one object a line; ``text``: for people."""
    requests: bool = False
    """One line for every request."""
