"""Streams as answers: a route that is declared with ``stream=True`` returns one, and the kernel keeps it going.

The kernel sends heartbeats, cuts off readers who take nothing, ends the stream when its caller loses the right to it
or the worker stops, and counts it against the caps of ``[streams]``.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from maydan.http.replies import COMMON, RawHeaders
from maydan.http.streams_frames import HEARTBEAT, opening
from maydan.http.streams_outlet import Ending, Outlet

if TYPE_CHECKING:
    from litestar.types import Receive, Send

    from maydan.http.call import Call
    from maydan.http.settings import StreamsSettings
    from maydan.http.streams_open import OpenStream
    from maydan.operations.core import Caller
    from maydan.plugins.guard import Guarding

_log: Final = logging.getLogger("maydan.http")

ABORT: Final = "maydan.abort"
"""The extension of our server's ASGI scope by which a connection is dropped with all that waits in it."""
_HEADERS: Final[RawHeaders] = [
    *COMMON, (b"cache-control", b"no-store"), (b"vary", b"Authorization, Accept"), (b"x-accel-buffering", b"no"),
    (b"content-type", b"text/event-stream; charset=utf-8"),
]  # fmt: skip


class Stream(Struct, frozen=True, kw_only=True):
    """An answer that goes on: server-sent events, until one side ends it."""

    produce: Callable[[Outlet], Awaitable[None]]
    """Writes frames, and returns when there is nothing more to say. Cancelled as soon as the stream ends."""
    on_caller: Callable[[Caller], None] | None = None
    """Told the caller again whenever rights may have changed; by then the route's permission was checked anew."""
    heartbeat: Callable[[], bytes] = lambda: HEARTBEAT
    """What is sent after a silence: a comment, and perhaps :func:`~maydan.http.streams_frames.mark`."""


def as_plugins(stream: Stream, guarding: Guarding) -> Stream:
    """Return a stream whose code, which goes on after the route's handler has returned, runs as a plugin's own."""
    on_caller = None if stream.on_caller is None else guarding.noted(stream.on_caller)
    return Stream(
        produce=guarding.guarded(stream.produce), on_caller=on_caller, heartbeat=guarding.noted(stream.heartbeat)
    )


class StreamReply:
    """A stream, ready to be sent; has the shape of a ``Reply``."""

    status: Final = 200

    def __init__(self, call: Call, stream: Stream, opened: OpenStream, receive: Receive, scope: Any) -> None:
        """Keep what sending needs."""
        self.headers: RawHeaders = [*_HEADERS, (b"x-request-id", call.request_id.encode())]
        self._settings: StreamsSettings = call.around.streams.settings
        self._request_id = call.request_id
        self._stream = stream
        self._opened = opened
        self._receive = receive
        extensions: dict[str, Any] = scope.get("extensions") or {}
        self._abort: Callable[[], None] | None = extensions[ABORT]["abort"] if ABORT in extensions else None

    async def send(self, send: Send, *, head: bool = False) -> None:
        """Send it until it ends; for HEAD only what it would begin with."""
        outlet = self._opened.outlet
        tasks: list[asyncio.Task[None]] = []
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.headers})
            if head:
                outlet.end()
            else:
                outlet.offer(opening(self._settings.retry_ms))
                tasks = [asyncio.create_task(self._produce(outlet)), asyncio.create_task(self._watch(outlet))]
            await self._pump(outlet, send)
        finally:
            outlet.end(Ending.GONE)
            self._opened.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _pump(self, outlet: Outlet, send: Send) -> None:
        """Send what comes, and something when nothing does; a reader who takes nothing is cut off."""
        try:
            while (taken := await outlet.take(self._settings.heartbeat_s)) is not None:
                async with asyncio.timeout(self._settings.stall_s):
                    await send(
                        {"type": "http.response.body", "body": taken or self._stream.heartbeat(), "more_body": True}
                    )
            if outlet.ending is not Ending.SLOW:
                async with asyncio.timeout(self._settings.stall_s):
                    await send({"type": "http.response.body", "body": b"", "more_body": False})
                return
        except TimeoutError:
            outlet.end(Ending.SLOW)
        # What the server has buffered for a reader who does not read would wait until the network gives up.
        if self._abort is not None:
            self._abort()

    async def _produce(self, outlet: Outlet) -> None:
        try:
            # What changed between the caller's identification and the count of open streams was told to nobody.
            await self._opened.recheck()
            await self._stream.produce(outlet)
        except Exception:  # noqa: BLE001 - the answer has begun; the client comes back by itself
            _log.exception("A stream failed.", extra={"request_id": self._request_id})
            outlet.end(Ending.FAILED)
        finally:
            outlet.end()

    async def _watch(self, outlet: Outlet) -> None:
        """Notice that the client went away."""
        while (await self._receive())["type"] != "http.disconnect":
            pass
        outlet.end(Ending.GONE)
