"""Hearing what other processes commit, and telling them of our events."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

from maydan.storage.postgresql.driver import Connection
from maydan.storage.signals import ELSEWHERE, LOG, Signals

_REVISIONS: Final = "maydan_revisions"
_LOG: Final = "maydan_log"
_TELL_EVERY_S: Final = 0.01
_CHECK_EVERY_S: Final = 30.0
_FIRST_PAUSE_S: Final = 0.1
_LAST_PAUSE_S: Final = 5.0

_logger = logging.getLogger(__name__)


class Listening:
    """One connection that listens, reconnects for ever, and passes on at most one hint about the log each 10 ms.

    The hint is sent after the commit and not in it: NOTIFY inside a transaction makes all commits of the server wait
    for each other.
    """

    def __init__(self, connect: Callable[[], Awaitable[Connection]], signals: Signals) -> None:
        """Listen on a connection of its own; :meth:`run` does it."""
        self._connect = connect
        self._signals = signals
        self._has_news = asyncio.Event()
        self._own_process = 0
        self._pause_s = _FIRST_PAUSE_S

    async def run(self) -> None:
        """Listen until cancelled."""
        stop = self._signals.listen(self._hear)
        try:
            while True:
                try:
                    await self._connect_and_listen()
                except Exception as error:  # noqa: BLE001 - whatever it was, only trying again helps
                    _logger.warning("The database cannot be listened to: %s; trying again.", error)
                await asyncio.sleep(self._pause_s)
                self._pause_s = min(self._pause_s * 2, _LAST_PAUSE_S)
        finally:
            stop()

    async def _connect_and_listen(self) -> None:
        connection = await self._connect()
        try:
            await self._listen(connection)
        finally:
            connection.terminate()

    async def _listen(self, connection: Connection) -> None:
        self._own_process = connection.get_server_pid()
        await connection.add_listener(_REVISIONS, self._told)
        await connection.add_listener(_LOG, self._told)
        self._pause_s = _FIRST_PAUSE_S
        connection.add_termination_listener(self._ended)
        # What was said while nobody listened is lost: look at everything.
        self._signals.send((ELSEWHERE,))
        while True:
            try:
                async with asyncio.timeout(_CHECK_EVERY_S):
                    await self._has_news.wait()
            except TimeoutError:
                await connection.execute("SELECT 1")
                continue
            self._has_news.clear()
            await connection.execute("SELECT pg_notify($1, '')", _LOG)
            await asyncio.sleep(_TELL_EVERY_S)

    def _hear(self, signal: str) -> None:
        if signal == LOG:
            self._has_news.set()

    def _ended(self, connection: Connection) -> None:
        """Wake up, to find the connection gone."""
        self._has_news.set()

    def _told(self, connection: Any, process: int, channel: str, payload: str) -> None:
        """Pass on what another process told; the log's hints of this one come back too, and are dropped."""
        if channel == _REVISIONS:
            self._signals.send((f"revision:{payload}",))
        elif process != self._own_process:
            self._signals.send((ELSEWHERE,))
