"""Server-sent events as bytes (HTML Living Standard, section 9.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from maydan.operations.event_views import CloudEvent

MEDIA_TYPE: Final = "text/event-stream"

_encode: Final = msgspec.json.Encoder().encode
HEARTBEAT: Final = b": heartbeat\n"
"""A comment: the line alone, for an empty one after it would be an event without data to many clients."""


def opening(retry_ms: int) -> bytes:
    """Return what a stream begins with: a comment, so that proxies pass it on, and when to come back."""
    return b": open\nretry: %d\n" % retry_ms


def mark(id: str) -> bytes:
    """Return what moves the client's ``Last-Event-ID`` on without an event."""
    return f"id: {id}\n\n".encode()


def stream_frame(data: bytes, *, event: str = "", id: str = "") -> bytes:
    """Return one event.

    Args:
        data: JSON or other text; each of its lines becomes one of the event.
        event: Its type; ``message`` to a browser when empty.
        id: What the client sends as ``Last-Event-ID`` when it comes back.

    Raises:
        ValueError: The type or the id has a line break in it.
    """
    if any(character in event + id for character in "\r\n\0"):
        raise ValueError("The type and the id of an event are one line each.")
    lines = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    head = (f"id: {id}\n" if id else "") + (f"event: {event}\n" if event else "")
    return head.encode() + b"".join(b"data: %b\n" % line for line in lines) + b"\n"


def wants_stream(accept: str | None) -> bool:
    """Tell whether an ``Accept`` header asks for server-sent events: by name, with a weight above zero."""
    for part in (accept or "").lower().split(","):
        name, _, parameters = part.partition(";")
        if name.strip() == MEDIA_TYPE and not _is_zero(parameters):
            return True
    return False


def _is_zero(parameters: str) -> bool:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            return value.strip().strip("0.") == ""
    return False


def encode_change(view: CloudEvent) -> bytes:
    """Return a change as a server-sent event."""
    return stream_frame(_encode(view), event=view.type, id=view.id)
