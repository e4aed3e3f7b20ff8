"""Reads: short ones on the event loop, the others in a few threads."""

from __future__ import annotations

import asyncio
import math
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, Protocol, TypeVar

from maydan.errors import PoolExhausted
from maydan.storage.ports import Row
from maydan.storage.settings import DatabaseSettings
from maydan.storage.sqlite.connecting import connect_reader
from maydan.storage.sqlite.errors import is_busy, is_interrupted, translated

T = TypeVar("T")

Work = Callable[[sqlite3.Connection], T]

LOOP_STEPS: Final = 1000
"""Instructions of SQLite's machine between two looks at the clock: 10–30 µs of plain work, and at most about 1 ms
where each row parses JSON. The look costs 0.1 µs."""
_THREAD_STEPS: Final = 20_000
_THREAD_BUSY_MS: Final = 5000


class LoopReader:
    """A connection that reads on the event loop, and gives up when that takes too long."""

    def __init__(self, connection: sqlite3.Connection, limit_ms: float) -> None:
        """Watch the connection's statements; none is limited until :meth:`attempt` is called."""
        self.connection = connection
        self.limit_s = limit_ms / 1000
        self._deadline = math.inf
        connection.set_progress_handler(self._is_late, LOOP_STEPS)

    def _is_late(self) -> bool:
        return time.perf_counter() > self._deadline

    def data_version(self) -> int | None:
        """Return the number that is another one after every commit of whatever connection; None while it is busy."""
        try:
            return int(self.connection.execute("PRAGMA data_version").fetchone()[0])
        except sqlite3.OperationalError as error:
            if is_busy(error):
                return None
            raise translated(error) from error

    def fetch_all(self, sql: str, args: Sequence[Any]) -> list[Row] | None:
        """Return the rows, or None when a thread must do it."""
        self._deadline = time.perf_counter() + self.limit_s
        try:
            return self.connection.execute(sql, args).fetchall()
        except sqlite3.OperationalError as error:
            if is_interrupted(error) or is_busy(error):
                return None
            raise translated(error) from error
        finally:
            self._deadline = math.inf


class ThreadReaders:
    """A bounded number of connections, opened when they are first needed, that read in threads."""

    def __init__(self, path: str, settings: DatabaseSettings) -> None:
        """Remember where to read."""
        self._path = path
        self._settings = settings
        self._executor = ThreadPoolExecutor(settings.readers, thread_name_prefix="maydan-read")
        self._free: asyncio.LifoQueue[_Slot] = asyncio.LifoQueue()
        self._ended: list[_Slot] = []
        self._slots = [_Slot(self._connect) for _ in range(settings.readers)]
        for slot in self._slots:
            self._free.put_nowait(slot)

    def _connect(self, *, typed: bool) -> sqlite3.Connection:
        return connect_reader(self._path, self._settings, busy_ms=_THREAD_BUSY_MS, typed=typed)

    async def run(self, work: Work[T], *, typed: bool = False) -> T:
        """Run the work in a thread, on a connection that is ``typed`` as in :func:`connect_reader`.

        Raises:
            PoolExhausted: All threads were busy for ``pool_wait_s``.
        """
        slot = await self._take()
        call = _Call(self._settings.read_limit_s)
        future = asyncio.get_running_loop().run_in_executor(self._executor, partial(slot.run, call, work, typed=typed))
        future.add_done_callback(lambda done: self._give_back(slot, done))
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            call.is_abandoned = True
            raise
        except sqlite3.Error as error:
            raise translated(error) from error

    async def _take(self) -> _Slot:
        try:
            return self._free.get_nowait()
        except asyncio.QueueEmpty:
            pass
        try:
            async with asyncio.timeout(self._settings.pool_wait_s):
                return await self._free.get()
        except TimeoutError:
            raise PoolExhausted("All database readers are busy; try again.", retry_after_s=1) from None

    def _give_back(self, slot: _Slot, done: asyncio.Future[Any]) -> None:
        if not done.cancelled():
            done.exception()
        self._free.put_nowait(slot)

    async def close(self) -> None:
        """Wait for what is running, and end the threads; the connections stay open for :meth:`disconnect`."""
        while len(self._ended) < len(self._slots):
            self._ended.append(await self._free.get())
        self._executor.shutdown(wait=False)

    def disconnect(self) -> None:
        """Close the connections; under the lock, since the last one of a file resets its log."""
        for slot in self._slots:
            slot.disconnect()


class _Connect(Protocol):
    def __call__(self, *, typed: bool) -> sqlite3.Connection: ...


class _Call:
    """One piece of work, and whether it must stop."""

    def __init__(self, limit_s: float) -> None:
        self._deadline = time.monotonic() + limit_s
        self.is_abandoned = False

    def must_stop(self) -> bool:
        return self.is_abandoned or time.monotonic() > self._deadline


class _Slot:
    """One place in a thread, with its connections."""

    def __init__(self, connect: _Connect) -> None:
        self._connect = connect
        self._connections: dict[bool, sqlite3.Connection] = {}

    def run(self, call: _Call, work: Work[T], *, typed: bool) -> T:
        connection = self._connections.get(typed)
        if connection is None:
            connection = self._connections[typed] = self._connect(typed=typed)
        connection.set_progress_handler(call.must_stop, _THREAD_STEPS)
        return work(connection)

    def disconnect(self) -> None:
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()
