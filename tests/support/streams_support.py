"""Streams as their clients meet them: a real server on the loopback interface, and an independent SSE client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext, suppress
from typing import Any

import httpx
import uvicorn
from httpx_sse import ServerSentEvent, aconnect_sse

from maydan.cli.protocol import Protocol

WAIT_S = 30


class Reader:
    """Somebody who reads a stream; what comes is in ``events``."""

    def __init__(self) -> None:
        self.events: list[ServerSentEvent] = []
        self.response: httpx.Response
        self.is_over = False
        self._changed = asyncio.Condition()

    @property
    def told(self) -> list[tuple[str, str]]:
        """The kind and the id of the subject of each event."""
        return [(each.event, json.loads(each.data)["data"]["id"]) for each in self.events]

    @property
    def ids(self) -> list[int]:
        """The positions."""
        return [int(each.id) for each in self.events]

    async def has(self, count: int) -> list[ServerSentEvent]:
        """Wait until that many events came."""
        return await self._until(lambda: len(self.events) >= count)

    async def ends(self) -> list[ServerSentEvent]:
        """Wait until the server ended the stream."""
        return await self._until(lambda: self.is_over)

    async def _until(self, reached: Callable[[], bool]) -> list[ServerSentEvent]:
        async with asyncio.timeout(WAIT_S), self._changed:
            await self._changed.wait_for(reached)
        return self.events

    async def read(self, source: Any) -> None:
        """Read to the end."""
        with suppress(httpx.RemoteProtocolError, httpx.ReadError):
            async for event in source.aiter_sse():
                if not event.data:
                    continue  # it only moves the position on; a browser tells nobody of it
                self.events.append(event)
                async with self._changed:
                    self._changed.notify_all()
        async with self._changed:
            self.is_over = True
            self._changed.notify_all()


@asynccontextmanager
async def reading(
    client: httpx.AsyncClient, headers: dict[str, str] | None = None, **query: Any
) -> AsyncIterator[Reader]:
    """Read the change feed of ``demo`` for the length of the block."""
    reader = Reader()
    sent = dict(headers or {})  # the client adds to what it is given
    async with aconnect_sse(client, "GET", "/api/spaces/demo/changes", headers=sent, params=query) as source:
        reader.response = source.response
        assert source.response.status_code == 200, await source.response.aread()
        task = asyncio.create_task(reader.read(source))
        try:
            yield reader
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def listening(application: Any) -> AsyncIterator[tuple[httpx.AsyncClient, int]]:
    """Serve an application that is running already, with our server's protocol; gives a client and the port."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await application(scope, receive, send)

    config = uvicorn.Config(
        app, host="127.0.0.1", port=0, http=Protocol, ws="none", lifespan="off", log_config=None, access_log=False,
        timeout_graceful_shutdown=WAIT_S,
    )  # fmt: skip
    server = uvicorn.Server(config)
    server.capture_signals = _no_signals  # type: ignore[method-assign]
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=WAIT_S, limits=limits) as client:
            yield client, port
    finally:
        server.should_exit = True
        await task


def _no_signals() -> AbstractContextManager[None]:
    return nullcontext()
