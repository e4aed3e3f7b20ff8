"""The end of the log, read once in this worker for everybody who follows it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextvars import Context
from typing import Final

from maydan.errors import Unavailable
from maydan.storage import Store
from maydan.storage.log import LoggedEvent, last_position, newest_position, read_after
from maydan.storage.signals import ELSEWHERE, LOG

_BATCH: Final = 200
_UNSETTLED_S: Final = 0.005
"""Seconds until the next look when there are events whose order is not final yet, on PostgreSQL."""
_FAILED_S: Final = 0.25
_MOST_WAITING: Final = 1000
"""Events that one follower may be behind."""

Listener = Callable[[Sequence[LoggedEvent]], Awaitable[None]]
"""Takes the next events, all spaces' and in order; what it raises is logged and does not come back."""

_logger = logging.getLogger(__name__)


class LogTail:
    """Reads new events once, however many listeners there are; rests while there are none."""

    def __init__(self, store: Store, poll_s: float = 1.0) -> None:
        """Read the store's log; nothing happens before somebody listens.

        Args:
            store: Where the log is.
            poll_s: Seconds between two looks when nobody says that there is something new.
        """
        self.position = 0
        """Everything up to here was handed out, or is being handed out."""
        self._store = store
        self._poll_s = poll_s
        self._listeners: list[Listener] = []
        self._has_news = asyncio.Event()
        self._starting = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._stop_hearing: Callable[[], None] | None = None

    async def listen(self, listener: Listener) -> Callable[[], None]:
        """Hand everything after :attr:`position` to the listener; returns the function that ends it."""
        async with self._starting:
            if self._task is None:
                self.position = await last_position(self._store)
                self._stop_hearing = self._store.signals.listen(self._hear)
                # Not in the context of the request that came first: its statements are counted there.
                self._task = asyncio.create_task(self._run(), name="maydan log tail", context=Context())
            self._listeners.append(listener)
        return lambda: self._forget(listener)

    async def follow(self, space_key: int, since: int | None = None) -> AsyncGenerator[LoggedEvent]:
        """Yield the events of one space after a position (by default those to come), first old ones, then for ever.

        Raises:
            Unavailable: Whoever iterates is more than a thousand events behind.
        """
        waiting: asyncio.Queue[LoggedEvent | None] = asyncio.Queue()

        async def take(events: Sequence[LoggedEvent]) -> None:
            for event in events:
                if event.space_key == space_key and waiting.qsize() <= _MOST_WAITING:
                    # The last that fits says that others did not.
                    waiting.put_nowait(event if waiting.qsize() < _MOST_WAITING else None)

        stop = await self.listen(take)
        try:
            position = self.position if since is None else since
            while events := await read_after(self._store, position, _BATCH, space_key):
                for event in events:
                    yield event
                position = events[-1].position
            while True:
                event = await waiting.get()
                if event is None:
                    raise Unavailable("Too many events wait for this reader.")
                if event.position > position:
                    yield event
        finally:
            stop()

    def _forget(self, listener: Listener) -> None:
        if listener in self._listeners:
            self._listeners.remove(listener)
        if not self._listeners and self._task is not None:
            self._task.cancel()
            self._task = None
            if self._stop_hearing is not None:
                self._stop_hearing()

    def _hear(self, signal: str) -> None:
        if signal in (LOG, ELSEWHERE):
            self._has_news.set()

    async def _run(self) -> None:
        while True:
            self._has_news.clear()
            try:
                pause_s = await self._look()
            except Exception:
                _logger.exception("The log could not be read; it is read again.")
                pause_s = _FAILED_S
            if pause_s:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause_s):
                        await self._has_news.wait()

    async def _look(self) -> float:
        """Hand out what is new; returns the seconds until the next look."""
        events = await read_after(self._store, self.position, _BATCH)
        if events:
            self.position = events[-1].position
            for listener in tuple(self._listeners):
                try:
                    await listener(events)
                except Exception:
                    _logger.exception("A listener of the log failed.")
        if len(events) == _BATCH:
            return 0.0
        if self._store.dialect.is_sqlite or await newest_position(self._store) <= self.position:
            return self._poll_s
        return _UNSETTLED_S
