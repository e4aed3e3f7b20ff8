"""All subscribers of this worker."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from maydan import ids
from maydan.errors import NotFound
from maydan.events.dead_letters import deleted_statement, get_dead_letter
from maydan.events.lane import Lane
from maydan.events.parked import Waiting, parked_statement
from maydan.events.settings import EventsSettings
from maydan.events.shared_log import SharedLog
from maydan.events.subscribers import Subscriber
from maydan.storage import GuardFailed, Store
from maydan.storage.log import find_event, last_position
from maydan.storage.signals import ELSEWHERE, LOG

_logger = logging.getLogger(__name__)


class Subscriptions:
    """Serves subscribers of the log, each in a task of its own; any number of workers share the work."""

    def __init__(self, store: Store, settings: EventsSettings | None = None) -> None:
        """Serve from the store's log; nothing happens before :meth:`start`."""
        self._store = store
        self._settings = settings or EventsSettings()
        self._owner = ids.new_id()
        self._log = SharedLog(store)
        self._lanes: dict[str, Lane] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._stop_listening: Callable[[], None] | None = None

    def add(self, subscriber: Subscriber) -> None:
        """Serve one more subscriber; before :meth:`start`.

        Raises:
            ValueError: Its name is taken.
        """
        if subscriber.name in self._lanes:
            raise ValueError(f"There are two subscribers named {subscriber.name}; rename one.")
        self._lanes[subscriber.name] = Lane(self._store, subscriber, self._owner, self._settings, self._log)

    async def start(self) -> None:
        """Begin; events that were written while nobody served come first."""
        self._stop_listening = self._store.signals.listen(self._hear)
        self._store.watch()
        for name, lane in self._lanes.items():
            self._tasks.append(asyncio.create_task(lane.run(), name=f"maydan subscriber {name}"))

    async def stop(self, timeout_s: float = 10.0) -> None:
        """Finish the events that are under way, save the positions, give the leases back.

        Args:
            timeout_s: What is not finished then is cut off, and another worker repeats it.
        """
        if self._stop_listening is not None:
            self._stop_listening()
            self._stop_listening = None
        for lane in self._lanes.values():
            lane.stop()
        tasks, self._tasks = self._tasks, []
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=timeout_s)
        for task in late:
            _logger.warning("%s did not stop within %s s and was cut off.", task.get_name(), timeout_s)
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def settled(self, timeout_s: float = 30.0) -> None:
        """Wait until every subscriber has been handed what is committed by now; for tests and for a graceful stop.

        Raises:
            TimeoutError: That took too long.
        """
        goal = await last_position(self._store)
        async with asyncio.timeout(timeout_s):
            for lane in self._lanes.values():
                await lane.reached(goal)

    async def retry_dead_letter(self, letter_id: str) -> None:
        """Have a dead letter handed to its subscriber again, by whichever worker serves it, with as many tries.

        Raises:
            NotFound: There is no such dead letter.
        """
        letter = await get_dead_letter(self._store, letter_id)
        event = await find_event(self._store, letter.position)
        batch = [] if event is None else [parked_statement(letter.subscriber, [Waiting(event)])]
        try:
            await self._store.commit([deleted_statement(letter), *batch])
        except GuardFailed as error:
            raise NotFound from error
        self._store.signals.send((LOG,))

    def _hear(self, signal: str) -> None:
        if signal in (LOG, ELSEWHERE):
            self._log.forget()
            for lane in self._lanes.values():
                lane.wake()
