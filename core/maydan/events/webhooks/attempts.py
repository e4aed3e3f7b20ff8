"""One try to deliver."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Final

from msgspec import Struct

from maydan.events.outbound import Outbound, OutboundFailed, UrlRefused, read_url
from maydan.events.webhooks.signing import signed_headers

MEDIA_TYPE: Final = "application/cloudevents+json; charset=utf-8"
"""CloudEvents' HTTP binding, structured mode."""
GONE: Final = 410


class Attempt(Struct, frozen=True, kw_only=True):
    """How one try went."""

    at: datetime
    duration_ms: int
    http_status: int | None = None
    error: str | None = None
    """None: the receiver has taken it. Never anything that the receiver wrote."""
    retry_after: str | None = None


async def attempt(
    outbound: Outbound, url: str, *, message_id: str, body: bytes, secrets: list[str], at: datetime, time_s: float
) -> Attempt:
    """Send a delivery once and tell how it went; nothing is raised for what a receiver does.

    Args:
        outbound: Sends it.
        url: Where to; read and judged anew each time.
        message_id: The ``webhook-id``.
        body: The event as JSON.
        secrets: Each signs it.
        at: The moment, which is signed too.
        time_s: Seconds for everything.
    """
    begin = time.monotonic()
    status, error, retry_after = None, None, None
    try:
        answered = await outbound.request(
            "POST",
            read_url(url, allow_private=outbound.allow_private),
            headers={"content-type": MEDIA_TYPE, **signed_headers(message_id, at, body, secrets)},
            content=body,
            time_s=time_s,
        )
    except UrlRefused as refused:
        error = f"The URL {refused}; nothing was sent."
    except OutboundFailed as failed:
        error = str(failed)
    else:
        status, retry_after = answered.status, answered.headers.get("retry-after")
        error = _refusal(status)
    duration_ms = round((time.monotonic() - begin) * 1000)
    return Attempt(at=at, duration_ms=duration_ms, http_status=status, error=error, retry_after=retry_after)


def _refusal(status: int) -> str | None:
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return f"The receiver answered {status}; redirects are not followed."
    return f"The receiver answered {status}."
