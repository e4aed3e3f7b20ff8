"""A real server on loopback that takes webhooks, or does with them what the worst of servers do."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import msgspec
from standardwebhooks import Webhook


class Got(NamedTuple):
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes
    method: str = "POST"

    @property
    def event(self) -> dict[str, Any]:
        """The CloudEvent in it."""
        return msgspec.json.decode(self.body)

    @property
    def message(self) -> str:
        """Its ``webhook-id``."""
        return self.headers["webhook-id"]

    def verified(self, secret: str) -> Any:
        """What the specification's own library makes of it."""
        return Webhook(secret).verify(self.body, self.headers)


Behave = Callable[[Got, asyncio.StreamWriter], Awaitable[None]]


def answer(status: int, *headers: str, body: bytes = b"") -> bytes:
    """The bytes of an HTTP answer."""
    head = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def says(status: int, *headers: str, body: bytes = b"") -> Behave:
    """A receiver that always answers this."""

    async def behave(got: Got, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(status, *headers, body=body))

    return behave


class Receiver:
    """Keeps what it gets, and answers as it is told."""

    def __init__(self, behave: Behave | None = None) -> None:
        self.got: list[Got] = []
        self.behave: Behave = behave or says(204)
        self.connections = 0
        self.port = 0
        self.scheme = "http"
        self._arrived = asyncio.Event()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{self.scheme}://127.0.0.1:{self.port}/hook"

    async def wait(self, count: int, timeout_s: float = 40.0) -> list[Got]:
        """Return what came, once it is that much."""
        async with asyncio.timeout(timeout_s):
            while len(self.got) < count:
                self._arrived.clear()
                await self._arrived.wait()
        return self.got

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection's requests."""
        self.connections += 1
        try:
            with contextlib.suppress(OSError, EOFError, asyncio.LimitOverrunError):
                while True:
                    await self._take(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = [line.partition(":") for line in lines[1:] if line]
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        method, path = lines[0].split()[:2]
        got = Got(path, headers, body, method)
        self.got.append(got)
        self._arrived.set()
        await self.behave(got, writer)
        await writer.drain()


@asynccontextmanager
async def receiving(behave: Behave | None = None, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """Run a receiver for the length of the block."""
    receiver = Receiver(behave)
    running: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(receiver.serve(reader, writer))
        running.add(task)
        task.add_done_callback(running.discard)

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    receiver.scheme = "https" if tls else "http"
    try:
        yield receiver
    finally:
        server.close()
        for task in tuple(running):
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
