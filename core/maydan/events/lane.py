"""One subscriber's way through the log in this worker."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Coroutine, Sequence
from enum import Enum
from typing import Final

from maydan.events.dead_letters import letter_statement
from maydan.events.positions import Positions
from maydan.events.settings import EventsSettings
from maydan.events.subscribers import Subscriber
from maydan.storage import Store
from maydan.storage.log import LoggedEvent, read_after

_UNSETTLED_S: Final = 0.02
"""Seconds until the next look when there are events whose order is not final yet, on PostgreSQL."""
_LONGEST_ERROR: Final = 2000

_logger = logging.getLogger(__name__)


class _Outcome(Enum):
    IDLE = "nothing to do"
    AGAIN = "there is more"
    SOON = "there is more, but not yet"
    LOST = "another worker has it"


class Lane:
    """Hands the log to one subscriber, as long as this worker has the lease."""

    def __init__(self, store: Store, subscriber: Subscriber, owner: str, settings: EventsSettings) -> None:
        """Serve the subscriber as the worker ``owner``."""
        self.subscriber = subscriber
        self._store = store
        self._settings = settings
        self._positions = Positions(store, subscriber.name, owner, settings.lease_s)
        self._has_news = asyncio.Event()
        self._stopped = asyncio.Event()
        self._owner = owner

    async def reached(self, position: int) -> None:
        """Wait until everything up to the position is done with, here or by another worker."""
        while (await self._positions.get()).position < position:  # noqa: ASYNC110 - it may be another process
            await asyncio.sleep(_UNSETTLED_S / 4)

    def wake(self) -> None:
        """Look at the log now."""
        self._has_news.set()

    def stop(self) -> None:
        """End after the event that is under way."""
        self._stopped.set()
        self._has_news.set()

    async def run(self) -> None:
        """Work until stopped; what goes wrong with the database is tried again for ever."""
        while not self._stopped.is_set():
            self._has_news.clear()
            pause_s = self._settings.poll_s
            try:
                await self._positions.add()
                outcome = await self.work()
                if outcome is _Outcome.AGAIN:
                    continue
                if outcome is _Outcome.SOON:
                    pause_s = _UNSETTLED_S
            except Exception:
                _logger.exception("The subscriber %s could not be served; it is tried again.", self.subscriber.name)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._has_news.wait()
        await self._positions.release()

    async def work(self) -> _Outcome:
        """Do one batch."""
        place = await self._positions.get()
        if place.owner not in (None, self._owner):
            return _Outcome.LOST
        events = await read_after(self._store, place.position, 1)
        if not events:
            newest = await self._store.fetch_one("SELECT max(position) FROM maydan_log")
            has_more = newest is not None and (newest[0] or 0) > place.position
            return _Outcome.SOON if has_more else _Outcome.IDLE
        if not await self._positions.lease():
            return _Outcome.LOST
        place = await self._positions.get()
        # After a failure one by one: each success is saved, so the event that fails is always the first one.
        size = self._settings.batch_size if place.failures == 0 else 1
        events = await read_after(self._store, place.position, size)
        return await self._while_leased(self._serve(place.position, place.failures, events))

    async def _while_leased(self, serving: Coroutine[None, None, _Outcome]) -> _Outcome:
        """Keep the lease while something takes long; when it is lost all the same, end what is under way."""
        task = asyncio.create_task(serving, name=f"maydan batch {self.subscriber.name}")
        try:
            while not (await asyncio.wait({task}, timeout=self._settings.lease_s / 3))[0]:
                if not await self._positions.renew():
                    return _Outcome.LOST
            return task.result()
        finally:
            if not task.done():
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    async def _serve(self, before: int, failures: int, events: Sequence[LoggedEvent]) -> _Outcome:
        """Hand over the events and save how far it went."""
        after = before
        for event in events:
            if self._stopped.is_set():
                break
            error = "" if failures < self._settings.tries else "The worker died each time it was tried."
            error = error or await self._handle(event)
            if not error:
                after = event.position
                continue
            if after != before and not await self._positions.advance(before, after):
                return _Outcome.LOST
            return await self._failed(after, failures + 1, event, error)
        is_ours = await self._positions.finish(before, after)
        return _Outcome.AGAIN if is_ours else _Outcome.LOST

    async def _handle(self, event: LoggedEvent) -> str:
        """Hand over one event; returns the error as text, empty when it went well."""
        try:
            await self.subscriber.handle(event)
        except Exception as error:  # noqa: BLE001 - whatever it raises, the event was not taken
            _logger.warning("%s could not take event %s: %r.", self.subscriber.name, event.position, error)
            return f"{type(error).__name__}: {error}"[:_LONGEST_ERROR]
        return ""

    async def _failed(self, before: int, failures: int, event: LoggedEvent, error: str) -> _Outcome:
        """Keep the event as a dead letter when it was tried often enough, else wait."""
        if failures >= self._settings.tries:
            _logger.error("%s: event %s is a dead letter: %s", self.subscriber.name, event.position, error)
            letter = letter_statement(self.subscriber.name, event, min(failures, self._settings.tries), error)
            is_ours = await self._positions.advance(before, event.position, letter)
            return _Outcome.AGAIN if is_ours else _Outcome.LOST
        if not await self._positions.fail(error):
            return _Outcome.LOST
        await self._pause(failures)
        return _Outcome.AGAIN

    async def _pause(self, failures: int) -> None:
        pause_s = min(self._settings.first_pause_s * 2 ** (failures - 1), self._settings.longest_pause_s)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause_s * random.uniform(0.8, 1.2)):  # noqa: S311 - spreads tries, no secret
                await self._stopped.wait()
