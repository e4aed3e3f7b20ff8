"""A bounded pool of connections, without a round trip of its own."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

from maydan.errors import PoolExhausted, Unavailable
from maydan.storage.postgresql.driver import Connection
from maydan.storage.postgresql.errors import translated

_CLOSE_S: Final = 10.0


class Pool:
    """Hands out connections, the last used first, and opens another one while there are fewer than the limit.

    asyncpg's own pool asks the server to reset a connection at each release, which is a round trip more for each
    request, and wraps every call. Nothing here changes a session, so there is nothing to reset.
    """

    def __init__(self, connect: Callable[[], Awaitable[Connection]], size: int, wait_s: float) -> None:
        """Open with ``connect`` at most ``size`` connections; nobody waits longer than ``wait_s``."""
        self._connect = connect
        self._size = size
        self._wait_s = wait_s
        self._idle: list[Connection] = []
        self._count = 0
        self._waiting: deque[asyncio.Future[Connection | None]] = deque()
        self._is_closed = False
        self._is_empty = asyncio.Event()

    async def take(self) -> Connection:
        """Return a connection that is nobody else's until :meth:`give` or :meth:`discard`.

        Raises:
            PoolExhausted: None became free in time.
            Unavailable: The server cannot be reached, or the pool is closed.
        """
        while True:
            if self._is_closed:
                raise Unavailable("The database is being closed.", retry_after_s=1)
            while self._idle:
                connection = self._idle.pop()
                if not connection.is_closed():
                    return connection
                self._count -= 1
            if self._count < self._size:
                return await self._open()
            connection = await self._wait()
            if connection is not None:
                return connection

    async def _open(self) -> Connection:
        self._count += 1
        try:
            async with asyncio.timeout(self._wait_s):
                return await self._connect()
        except BaseException as error:
            self._count -= 1
            self._wake(None)
            if isinstance(error, Exception):
                raise translated(error) from error
            raise

    async def _wait(self) -> Connection | None:
        """Wait for a connection, or for None: there is room to open one."""
        turn: asyncio.Future[Connection | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(self._wait_s):
                try:
                    return await turn
                except asyncio.CancelledError:
                    self._give_up(turn)
                    raise
        except TimeoutError:
            raise PoolExhausted("All database connections are busy; try again.", retry_after_s=1) from None

    def _give_up(self, turn: asyncio.Future[Connection | None]) -> None:
        if turn.done() and not turn.cancelled():
            connection = turn.result()
            if connection is None:
                self._wake(None)
            else:
                self.give(connection)
        elif turn in self._waiting:
            self._waiting.remove(turn)

    def _wake(self, connection: Connection | None) -> bool:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(connection)
                return True
        return False

    def give(self, connection: Connection) -> None:
        """Take a connection back that is outside any transaction."""
        if self._is_closed or connection.is_closed():
            self.discard(connection)
        elif not self._wake(connection):
            self._idle.append(connection)

    def discard(self, connection: Connection) -> None:
        """Cut a connection off whose state is not known; the server undoes what it had not committed."""
        connection.terminate()
        self._count -= 1
        if self._is_closed and self._count <= 0:
            self._is_empty.set()
        self._wake(None)

    async def close(self) -> None:
        """Close what is idle now, and wait a while for the others to come back."""
        self._is_closed = True
        for turn in self._waiting:
            if not turn.done():
                turn.set_result(None)
        while self._idle:
            connection = self._idle.pop()
            self._count -= 1
            await connection.close()
        if self._count > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_S):
                    await self._is_empty.wait()
