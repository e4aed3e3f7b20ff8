"""A load generator: keep-alive connections that each send the next request as soon as their answer is whole.

It reads only what it must of an answer (status and length), so that on one core it is faster than any server it drives.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from statistics import quantiles
from time import perf_counter
from typing import Final, cast

import uvloop
from msgspec import Struct

CONNECTIONS: Final = 16
HOST: Final = "127.0.0.1"

Source = Callable[[], bytes | None]
"""Gives the next request as bytes; ``None`` ends the connection that asked."""
Taker = Callable[[bytes], None]
"""Takes the body of an answer."""


class Rate(Struct, frozen=True, kw_only=True):
    """What came of driving a server for a while."""

    requests: int
    seconds: float
    p50_ms: float
    p95_ms: float
    p99_ms: float

    @property
    def per_second(self) -> float:
        """Return the answers per second."""
        return self.requests / self.seconds


class UnexpectedAnswer(Exception):
    """The server answered something else than the benchmark is about, so that its speed means nothing."""


def request(method: str, path: str, *, token: str = "", body: bytes = b"", headers: tuple[str, ...] = ()) -> bytes:
    """Return a request as it goes over the wire."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {HOST}", *headers]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join((*lines, "", "")).encode() + body


def drive(port: int, source: Source, *, expect: int, taker: Taker | None = None, connections: int = CONNECTIONS) -> int:
    """Send requests until the source has no more; return the number of answers.

    Raises:
        UnexpectedAnswer: An answer had another status than ``expect``.
    """
    return uvloop.run(_drive(port, source, expect, taker, connections))


def measure(port: int, source: Source, *, expect: int, seconds: float, warm_s: float = 0.5) -> Rate:
    """Send requests for some seconds after a warm-up, and return how fast the answers came.

    Raises:
        UnexpectedAnswer: An answer had another status than ``expect``.
    """
    begin = perf_counter() + warm_s
    end = begin + seconds
    moments: list[float] = []

    def timed() -> bytes | None:
        return source() if perf_counter() < end else None

    lasted: list[float] = []
    uvloop.run(_drive(port, timed, expect, None, CONNECTIONS, moments, lasted))
    inside = [spent for moment, spent in zip(moments, lasted, strict=True) if begin <= moment < end]
    if len(inside) < 2:
        raise UnexpectedAnswer(f"Fewer than two answers in {seconds} s.")
    cuts = quantiles(inside, n=100)
    p50_ms, p95_ms, p99_ms = (cuts[place] * 1000 for place in (49, 94, 98))
    return Rate(requests=len(inside), seconds=seconds, p50_ms=p50_ms, p95_ms=p95_ms, p99_ms=p99_ms)


async def _drive(
    port: int,
    source: Source,
    expect: int,
    taker: Taker | None,
    connections: int,
    moments: list[float] | None = None,
    lasted: list[float] | None = None,
) -> int:
    loop = asyncio.get_running_loop()
    made = [_Connection(source, expect, taker, moments, lasted) for _ in range(connections)]
    gc.collect()
    gc.disable()
    try:
        for connection in made:
            await loop.create_connection(lambda connection=connection: connection, HOST, port)
        return sum(await asyncio.gather(*(connection.done for connection in made)))
    finally:
        gc.enable()


class _Connection(asyncio.Protocol):
    """One keep-alive connection."""

    def __init__(
        self, source: Source, expect: int, taker: Taker | None, moments: list[float] | None, lasted: list[float] | None
    ) -> None:
        self.done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._source = source
        self._status = f"{expect}".encode()
        self._taker = taker
        self._moments = moments
        self._lasted = lasted
        self._answers = 0
        self._sent_at = 0.0
        self._parts: list[bytes] = []
        self._missing = -1
        """Bytes of the body that are still to come; -1 while the head is not whole."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(UnexpectedAnswer(f"The server closed the connection ({exc})."))

    def data_received(self, data: bytes) -> None:
        if self._missing < 0:
            head = b"".join((*self._parts, data))
            end = head.find(b"\r\n\r\n")
            if end < 0:
                self._parts = [head]
                return
            length = self._length(head, end)
            if length is None:
                self._fail(head)
                return
            self._missing = length
            self._parts = []
            data = head[end + 4 :]
        self._missing -= len(data)
        if self._taker is not None:
            self._parts.append(data)
        if self._missing == 0:
            self._finish()

    def _length(self, head: bytes, end: int) -> int | None:
        """Return the length of the body; ``None`` where the answer is not the expected one."""
        lower = head[:end].lower()
        at = lower.find(b"\r\ncontent-length:")
        if head[9:12] != self._status or (at < 0 and self._status != b"204"):
            return None
        return int(lower[at + 17 :].split(b"\r\n", 1)[0]) if at >= 0 else 0

    def _finish(self) -> None:
        now = perf_counter()
        self._answers += 1
        if self._moments is not None and self._lasted is not None:
            self._moments.append(now)
            self._lasted.append(now - self._sent_at)
        if self._taker is not None:
            self._taker(b"".join(self._parts))
            self._parts = []
        self._missing = -1
        self._next()

    def _next(self) -> None:
        following = self._source()
        if following is None:
            if not self.done.done():
                self.done.set_result(self._answers)
            self._transport.close()
            return
        self._sent_at = perf_counter()
        self._transport.write(following)

    def _fail(self, head: bytes) -> None:
        error = UnexpectedAnswer(f"Expected {self._status.decode()}: {head[:2000].decode(errors='replace')}")
        if not self.done.done():
            self.done.set_exception(error)
        self._transport.abort()
