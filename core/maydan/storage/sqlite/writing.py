"""The writer: transactions take turns on one connection and share commits."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

from maydan.errors import PoolExhausted, Unavailable
from maydan.storage.settings import DatabaseSettings
from maydan.storage.signals import Signals
from maydan.storage.sqlite.errors import is_busy, translated
from maydan.storage.sqlite.lock import FileLock
from maydan.storage.sqlite.members import Group, Waiting, Work
from maydan.storage.threads import finished

T = TypeVar("T")

_logger = logging.getLogger(__name__)

_BUSY_POLL_S: Final = 0.002
_AT_ONCE: Final = 8
"""Members whose work is done in one round of the loop: about a millisecond."""


class Writer:
    """Hands out turns on the one connection that writes.

    Whoever has the turn owns the connection, between two others' savepoints. A group begins with the first member's
    turn: OS lock, BEGIN IMMEDIATE. It is committed when nobody waits for a turn, or it is full, or old; the COMMIT
    has the turn itself. Work that waits for nothing is done by whoever ends the turn before, which saves a task's
    round through the loop. Members that are cancelled never leave anything half done: what runs in a thread is waited
    for, and the commit belongs to the event loop and to no member.
    """

    def __init__(
        self, connection: sqlite3.Connection, lock: FileLock, settings: DatabaseSettings, signals: Signals
    ) -> None:
        """Write on the connection, which no other code uses, under the lock."""
        self.connection = connection
        self._lock = lock
        self._settings = settings
        self._signals = signals
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="maydan-write")
        self._is_taken = False
        self._queue: deque[Waiting] = deque()
        self._group: Group | None = None
        self._is_stopped = False
        self._is_closed = False

    # -- a member's life -----------------------------------------------------------------------------------------

    async def begin(self) -> None:
        """Wait for the turn and open a savepoint; ended by exactly one :meth:`keep` or :meth:`undo`.

        Raises:
            PoolExhausted: The turn or the lock did not come in time.
        """
        self._require_open()
        await self._take_turn()
        await self._join_group()
        try:
            self.connection.execute("SAVEPOINT member")
        except sqlite3.Error as error:
            self._end_turn()
            raise translated(error) from error

    async def write(self, work: Work) -> None:
        """Be a member that only does this work, in a turn of one's own or of whoever has it; as ``begin`` to ``keep``.

        Raises:
            PoolExhausted: The turn or the lock did not come in time.
        """
        self._require_open()
        if not await self._take_turn(work):
            return
        await self._join_group()
        stored: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._do(work, stored)
        self._end_turn()
        await stored

    def _require_open(self) -> None:
        if self._is_stopped:
            raise Unavailable("The database is being closed.", retry_after_s=1)

    async def _join_group(self) -> None:
        """Open a group where there is none; whoever cannot gives the turn back."""
        try:
            if self._group is None:
                await self._open_group()
        except BaseException as error:
            self._end_turn()
            if isinstance(error, sqlite3.Error):
                raise translated(error) from error
            raise

    def _do(self, work: Work, stored: asyncio.Future[bool]) -> None:
        """Do a member's work, between two others' savepoints; ``stored`` is told when the group is on disk."""
        try:
            self.connection.execute("SAVEPOINT member")
            signals = work()
            self.connection.execute("RELEASE member")
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the member's own
            self._roll_back()
            refusal = translated(error) if isinstance(error, sqlite3.Error) else error
            # As in settled(): what it was refused for must be visible before it is told.
            if self._group is not None and self._group.waiters:
                self._group.refused.append((stored, refusal))
            else:
                stored.set_exception(refusal)
            return
        assert self._group is not None
        self._group.waiters.append(stored)
        self._group.signals += signals

    async def keep(self, signals: Iterable[str]) -> None:
        """End the member well; returns when its group is on disk. The signals are sent right after the commit."""
        group = self._group
        if group is None or not self.connection.in_transaction:
            self._lose_group()
            self._end_turn()
            raise Unavailable("The database ended the transaction by itself; nothing was stored.", retry_after_s=1)
        try:
            self.connection.execute("RELEASE member")
        except sqlite3.Error as error:
            self.undo()
            raise translated(error) from error
        waiter: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        group.waiters.append(waiter)
        group.signals += signals
        self._end_turn()
        await waiter

    def undo(self) -> None:
        """End the member without a trace."""
        try:
            self._roll_back()
        finally:
            self._end_turn()

    def _roll_back(self) -> None:
        try:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK TO member")
                self.connection.execute("RELEASE member")
            else:
                self._lose_group()
        except sqlite3.Error:
            self._lose_group()

    async def settled(self) -> None:
        """Wait until all that was kept so far is committed, or lost.

        A member sees what others of its group stored before any reader does. What it was refused for must be visible
        before it is told, or whoever starts over reads the old state and is refused again.
        """
        group = self._group
        if group is None or not group.waiters:
            return
        waiter = asyncio.get_running_loop().create_future()
        group.watchers.append(waiter)
        await waiter

    async def in_thread(self, work: Callable[[], T]) -> T:
        """Run the work of whoever has the turn in the writer's thread."""
        return await finished(asyncio.get_running_loop().run_in_executor(self._executor, work))

    async def alone(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run work in the writer's thread outside of every transaction, while no process writes.

        Raises:
            PoolExhausted: The turn or the lock did not come in time.
        """
        self._require_open()
        await self._take_turn()
        while self._group is not None:
            self._commit(self._group)  # which ends the turn
            await self._take_turn()
        try:
            return await self.in_thread(lambda: self._under_lock(work))
        finally:
            self._end_turn()

    def _under_lock(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if not self._lock.acquire(self._settings.write_wait_s):
            raise PoolExhausted("Another process is writing for too long; try again.", retry_after_s=1)
        try:
            return work(self.connection)
        finally:
            self._lock.release()

    # -- turns ----------------------------------------------------------------------------------------------------

    async def _take_turn(self, work: Work | None = None) -> bool:
        """Wait for the turn; with ``work``, False when that was done by another and is on disk."""
        if not self._is_taken:
            self._is_taken = True
            return True
        waiting = Waiting(work)
        waiting.timer = asyncio.get_running_loop().call_later(self._settings.write_wait_s, self._refuse, waiting)
        self._queue.append(waiting)
        try:
            return await waiting.answer
        except asyncio.CancelledError:
            waiting.leave()
            answer = waiting.answer
            # A turn that came at the same moment goes to the next one.
            if answer.done() and not answer.cancelled() and answer.exception() is None and answer.result():
                self._end_turn()
            raise

    @staticmethod
    def _refuse(waiting: Waiting) -> None:
        if not waiting.answer.done():
            refusal = PoolExhausted("Too many others are writing; try again.", retry_after_s=1)
            waiting.answer.set_exception(refusal)

    def _hand_on(self) -> bool:
        """Give the turn to the next in the queue, and do on the way what others only want done."""
        for _ in range(_AT_ONCE):
            waiting = self._next()
            if waiting is None:
                return False
            if waiting.work is None or self._group is None:
                waiting.answer.set_result(True)
                return True
            self._do(waiting.work, waiting.answer)
            if self._commit_if_due():
                return True
        asyncio.get_running_loop().call_soon(self._end_turn)
        return True

    def _next(self) -> Waiting | None:
        while self._queue:
            waiting = self._queue.popleft()
            waiting.leave()
            if not waiting.answer.done():
                return waiting
        return None

    def _end_turn(self) -> None:
        """Give the turn to the next one, or to the commit."""
        group = self._group
        if group is None:
            self._is_taken = self._hand_on()
        elif not self._commit_if_due() and not self._hand_on():
            # One round of the loop: requests that have arrived at the same time join before the disk is waited for.
            asyncio.get_running_loop().call_soon(self._commit_unless_joined, group)

    def _commit_if_due(self) -> bool:
        group = self._group
        if group is None:
            return False
        age_ms = (time.monotonic() - group.started_at) * 1000
        if len(group.waiters) < self._settings.group_size and age_ms < self._settings.group_ms:
            return False
        self._commit(group)
        return True

    # -- the group ------------------------------------------------------------------------------------------------

    async def _open_group(self) -> None:
        try:
            if self._lock.try_acquire():
                try:
                    self.connection.execute("BEGIN IMMEDIATE")
                    return
                except sqlite3.Error as error:
                    if not is_busy(error):
                        self._lock.release()
                        raise
            await self.in_thread(self._open_group_in_thread)
        finally:
            if self.connection.in_transaction:
                self._group = Group()

    def _open_group_in_thread(self) -> None:
        deadline = time.monotonic() + self._settings.write_wait_s
        if not self._lock.is_held and not self._lock.acquire(self._settings.write_wait_s):
            raise PoolExhausted("Another process is writing for too long; try again.", retry_after_s=1)
        while True:
            try:
                self.connection.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.Error as error:
                if not is_busy(error) or time.monotonic() >= deadline:
                    self._lock.release()
                    raise
            time.sleep(_BUSY_POLL_S)

    def _commit_unless_joined(self, group: Group) -> None:
        if self._hand_on():
            return
        if self._group is group:
            self._commit(group)
        else:
            self._end_turn()

    def _commit(self, group: Group) -> None:
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(self._executor, self._commit_in_thread)
        future.add_done_callback(lambda done: self._committed(group, done))

    def _committed(self, group: Group, done: asyncio.Future[None]) -> None:
        try:
            self._settle(group, done)
        finally:
            self._end_turn()

    def _commit_in_thread(self) -> None:
        try:
            self.connection.execute("COMMIT")
        finally:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            self._lock.release()

    def _settle(self, group: Group, done: asyncio.Future[None]) -> None:
        error = done.exception()
        self._group = None
        try:
            if error is None:
                self._signals.send(group.signals)
        finally:
            self._tell(group, translated(error) if isinstance(error, sqlite3.Error) else error)

    def _lose_group(self) -> None:
        """SQLite has rolled back everything, as it does when the disk is full: no member was stored."""
        group, self._group = self._group, None
        if group is not None:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            self._lock.release()
            self._tell(group, Unavailable("The database undid the transaction; nothing was stored.", retry_after_s=1))

    @staticmethod
    def _tell(group: Group, error: BaseException | None) -> None:
        for watcher in group.watchers:
            if not watcher.done():
                watcher.set_result(None)
        for refused, refusal in group.refused:
            if not refused.done():
                refused.set_exception(refusal)
        for waiter in group.waiters:
            if waiter.done():
                continue
            if error is None:
                waiter.set_result(False)
            else:
                waiter.set_exception(error)

    # -- the end --------------------------------------------------------------------------------------------------

    async def stop(self) -> None:
        """Wait for all that have begun to write, and refuse those that come.

        Raises:
            PoolExhausted: One of them did not end in time; writing goes on as before.
        """
        if self._is_stopped:
            return
        self._is_stopped = True
        try:
            await self._take_turn()
        except BaseException:
            self._is_stopped = False
            raise
        if self._group is None:
            self._end_turn()
            return
        committed = asyncio.get_running_loop().create_future()
        self._group.watchers.append(committed)
        self._commit(self._group)
        await committed

    async def close(self, disconnect_others: Callable[[], Any]) -> None:
        """Close every connection, after :meth:`stop`; under the lock, since the last one of a file resets its log."""
        if not self._is_closed:
            await self.in_thread(lambda: self._close_in_thread(disconnect_others))
        self._executor.shutdown(wait=False)

    def _close_in_thread(self, disconnect_others: Callable[[], Any]) -> None:
        # However long that takes: two that reset the log at once can destroy the file, and an end by force cannot.
        while not self._lock.acquire(self._settings.write_wait_s):
            _logger.warning("Another process is writing for too long; closing the database waits for its end.")
        try:
            disconnect_others()
            self.connection.close()
        finally:
            self._lock.release()
        self._lock.close()
        self._is_closed = True
