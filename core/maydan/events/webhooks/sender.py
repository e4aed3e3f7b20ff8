"""The sender of this worker."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Callable
from typing import Final

from maydan import ids
from maydan.clock import Clock
from maydan.events.clock_jumps import ClockWatch
from maydan.events.outbound import Outbound
from maydan.events.settings import WebhooksSettings
from maydan.events.webhooks.clearing import clear_deliveries
from maydan.events.webhooks.deliveries import hurried
from maydan.events.webhooks.endpoints import list_due_endpoints
from maydan.events.webhooks.preparing import Prepare
from maydan.events.webhooks.records import SIGNAL
from maydan.events.webhooks.turns import Services, Turn
from maydan.storage import Store
from maydan.storage.signals import ELSEWHERE

_POLL_S: Final = 1.0
"""Seconds between two looks for what is due when nobody says that there is something."""
_CLEAR_EVERY_S: Final = 60.0
_AFTER_ERROR_S: Final = 1.0

_logger = logging.getLogger(__name__)


class Sender:
    """Delivers to all webhooks, of each worker as many as the settings say, and to each webhook from one worker.

    Failing and slow receivers have places of their own, so that however many there are, the others are not delayed.
    """

    def __init__(
        self, store: Store, settings: WebhooksSettings, outbound: Outbound, prepare: Prepare, clock: Clock
    ) -> None:
        """Deliver through the guarded client; nothing happens before :meth:`start`."""
        self.outcomes: Counter[str] = Counter()
        """What became of tries in this process: ``delivered``, ``failed``, ``dead``, ``withheld``."""
        self._services = Services(
            store=store, settings=settings, outbound=outbound, prepare=prepare, clock=clock, owner=ids.new_id(),
            outcomes=self.outcomes,
        )  # fmt: skip
        self._store = store
        self._news = asyncio.Event()
        self._is_stopping = False
        self._turns: dict[str, tuple[Turn, bool, asyncio.Task[None]]] = {}
        """By webhook, with whether it has one of the places for slow ones."""
        self._slow: set[str] = set()
        self._watch = ClockWatch(clock)
        self._tasks: list[asyncio.Task[None]] = []
        self._stop_listening: Callable[[], None] | None = None

    async def start(self) -> None:
        """Begin to deliver."""
        self._is_stopping = False
        self._stop_listening = self._store.signals.listen(self._hear)
        self._tasks = [
            asyncio.create_task(self._run(), name="maydan webhooks"),
            asyncio.create_task(self._clear(), name="maydan webhooks clearing"),
        ]

    async def stop(self, timeout_s: float = 5.0) -> None:
        """Begin nothing more and wait for what is under way.

        Args:
            timeout_s: What is not answered then is cut off, and sent again by another worker.
        """
        if self._stop_listening is not None:
            self._stop_listening()
            self._stop_listening = None
        self._is_stopping = True
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        turns = list(self._turns.values())
        for turn, _, _ in turns:
            turn.end()
        if turns:
            _, late = await asyncio.wait([task for _, _, task in turns], timeout=timeout_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self._services.outbound.close()

    def wake(self) -> None:
        """Look now for what is due."""
        self._news.set()
        for turn, _, _ in self._turns.values():
            turn.news.set()

    def _hear(self, signal: str) -> None:
        if signal == ELSEWHERE:
            self.wake()
        elif signal.startswith(SIGNAL):
            known = self._turns.get(signal[len(SIGNAL) :])
            if known is None:
                self._news.set()
            else:
                known[0].news.set()

    async def _run(self) -> None:
        while True:
            self._news.clear()
            try:
                if self._watch.was_put_back():
                    await self._store.commit([hurried(self._services.clock.now())])
                    self._watch.forget()
                await self._begin_turns(failing=False)
                await self._begin_turns(failing=True)
            except Exception:
                _logger.exception("Deliveries could not be looked for; it is tried again in %s s.", _POLL_S)
                await asyncio.sleep(_AFTER_ERROR_S)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_POLL_S):
                    await self._news.wait()

    async def _begin_turns(self, *, failing: bool) -> None:
        """Begin as many turns as there are places."""
        services = self._services
        places = services.settings.parallel
        limit = places + len(self._slow)
        due = await list_due_endpoints(
            self._store, services.clock.now(), services.settings.lease_s, limit, failing=failing
        )
        for webhook_id in due:
            if webhook_id in self._turns:
                continue
            slow = failing or webhook_id in self._slow
            # One that hangs holds nobody up while it is found out how long.
            if sum(is_slow == slow and not turn.is_hanging for turn, is_slow, _ in self._turns.values()) >= places:
                self._make_room(slow=slow)
                continue
            turn = Turn(services, webhook_id)
            task = asyncio.create_task(self._serve(webhook_id, turn), name=f"maydan webhook {webhook_id}")
            self._turns[webhook_id] = (turn, slow, task)

    def _make_room(self, *, slow: bool) -> None:
        """End the turns that only wait for more."""
        for turn, is_slow, _ in self._turns.values():
            if is_slow == slow and turn.is_idle:
                turn.end()

    async def _serve(self, webhook_id: str, turn: Turn) -> None:
        try:
            await turn.run()
        except Exception:
            _logger.exception("The webhook %s could not be served; it is tried again.", webhook_id)
            await asyncio.sleep(_AFTER_ERROR_S)
        finally:
            del self._turns[webhook_id]
            (self._slow.add if turn.was_slow else self._slow.discard)(webhook_id)
            if not self._is_stopping:
                self._news.set()

    async def _clear(self) -> None:
        services = self._services
        while True:
            await asyncio.sleep(_CLEAR_EVERY_S)
            try:
                await clear_deliveries(self._store, services.settings, services.clock.now())
            except Exception:
                _logger.exception("Old deliveries could not be forgotten; it is tried again.")
