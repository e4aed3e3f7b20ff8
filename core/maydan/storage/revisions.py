"""Revisions: how every worker learns that spaces, types, policies, shares, accounts or plugins have changed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from maydan.storage.ports import Statement, Store
from maydan.storage.signals import ELSEWHERE

Callback = Callable[[str], Awaitable[None]]

_PREFIX: Final = "revision:"
_BUMP: Final = (
    "INSERT INTO maydan_revisions (scope, revision) VALUES (?, 1)"
    " ON CONFLICT (scope) DO UPDATE SET revision = maydan_revisions.revision + 1"
)
_POLL_S: Final = 5.0

_logger = logging.getLogger(__name__)


def bump(scope: str) -> Statement:
    """Return the part of a batch that tells every worker that the scope has changed.

    Args:
        scope: ``spaces``, ``types``, ``policies``, ``shares``, ``accounts`` or ``plugins``. Writers of one scope wait
            for each other, so bump what changes rarely.
    """
    return Statement(_BUMP, (scope,), signal=_PREFIX + scope)


class Revisions:
    """Watches the counters and calls back when one has moved.

    A change by this process is looked at as soon as it is committed; :meth:`settled` waits for that. Others' changes
    are seen within 250 ms on SQLite and at once on PostgreSQL, with a look every 5 s as the net.
    """

    def __init__(self, store: Store, poll_s: float = _POLL_S) -> None:
        """Watch a store; nothing happens before :meth:`start`."""
        self._store = store
        self._poll_s = poll_s
        self._callbacks: list[tuple[str, Callback]] = []
        self._known: dict[str, int] = {}
        self._dirty = asyncio.Event()
        self._asked = 0
        self._answered = 0
        self._changed = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None
        self._stop_listening: Callable[[], None] | None = None

    def on_change(self, scope: str, callback: Callback) -> None:
        """Await the callback with the scope whenever its revision has moved; one that raises is called again."""
        self._callbacks.append((scope, callback))

    def current(self, scope: str) -> int:
        """Return the revision that this process knows and has handled; 0 if it never changed."""
        return self._known.get(scope, 0)

    async def start(self) -> None:
        """Read the counters, without calling back, and begin to watch."""
        self._known = await self._read()
        self._stop_listening = self._store.signals.listen(self._hear)
        self._store.watch()
        self._task = asyncio.create_task(self._run(), name="maydan revisions")

    async def stop(self) -> None:
        """Stop watching."""
        if self._stop_listening is not None:
            self._stop_listening()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        async with self._changed:
            self._changed.notify_all()

    async def settled(self) -> None:
        """Wait until every change that was committed before this call was handled here, or failed and will be again."""
        if self._task is None:
            return
        goal = self._ask()
        async with self._changed:
            await self._changed.wait_for(lambda: self._answered >= goal or self._task is None)

    def _hear(self, signal: str) -> None:
        if signal.startswith(_PREFIX) or signal == ELSEWHERE:
            self._ask()

    def _ask(self) -> int:
        self._asked += 1
        self._dirty.set()
        return self._asked

    async def _read(self) -> dict[str, int]:
        return {row[0]: row[1] for row in await self._store.fetch_all("SELECT scope, revision FROM maydan_revisions")}

    async def _run(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._poll_s):
                    await self._dirty.wait()
            self._dirty.clear()
            goal = self._asked
            try:
                await self._look()
            except Exception:
                _logger.exception("Revisions could not be read; they are read again.")
                await asyncio.sleep(0.25)
                self._dirty.set()
            async with self._changed:
                self._answered = goal
                self._changed.notify_all()

    async def _look(self) -> None:
        for scope, revision in (await self._read()).items():
            if self._known.get(scope, 0) != revision and await self._tell(scope):
                self._known[scope] = revision

    async def _tell(self, scope: str) -> bool:
        is_handled = True
        for wanted, callback in self._callbacks:
            if wanted == scope:
                try:
                    await callback(scope)
                except Exception:
                    _logger.exception("A change of %s could not be taken over; it is tried again.", scope)
                    is_handled = False
        if not is_handled:
            asyncio.get_running_loop().call_later(0.25, self._ask)
        return is_handled
