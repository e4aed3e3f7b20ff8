"""One subscriber's way through the log in this worker."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Coroutine, Sequence
from typing import Final

from msgspec.structs import replace

from maydan.events.dead_letters import letter_statement
from maydan.events.parked import Head, Parked, Waiting, parked_statement, subject_of
from maydan.events.positions import Checkpoint, Positions
from maydan.events.settings import EventsSettings
from maydan.events.shared_log import SharedLog
from maydan.events.subscribers import BatchSubscriber, Held, HoldingSubscriber, Subscriber
from maydan.storage import GuardFailed, Store
from maydan.storage.log import LoggedEvent, find_event

_UNSETTLED_S: Final = 0.02
"""Seconds until the next look when there are events whose order is not final yet, on PostgreSQL."""
_GATHER_S: Final = 0.05
"""Seconds from one batch to the next: what comes in meanwhile costs one write of the position, not many."""
_SAVE_AFTER_S: Final = 0.01
"""Seconds of handling after which the position is saved: what a worker that dies would repeat."""
_MOST_BLOCKED: Final = 100
"""Subjects with parked events above which nothing new is begun: the subscriber, not an event, is broken."""
_LONGEST_ERROR: Final = 2000
_DIED: Final = "The worker died each time it was tried."

_logger = logging.getLogger(__name__)


class Lane:
    """Hands the log to one subscriber, as long as this worker has the lease."""

    def __init__(
        self, store: Store, subscriber: Subscriber, owner: str, settings: EventsSettings, log: SharedLog
    ) -> None:
        """Serve the subscriber as the worker ``owner``."""
        self.subscriber = subscriber
        # Asked once: whether an object follows a protocol is slow to tell.
        self._batches = subscriber if isinstance(subscriber, BatchSubscriber) else None
        self._holds = subscriber if isinstance(subscriber, HoldingSubscriber) else None
        self._store = store
        self._settings = settings
        self._log = log
        self._positions = Positions(store, subscriber.name, owner, settings.lease_s)
        self._parked = Parked(store, subscriber.name)
        self._has_news = asyncio.Event()
        self._stopped = asyncio.Event()
        self._owner = owner
        self._checkpoint: Checkpoint | None = None
        """Where it stands while this worker has the lease."""
        self._leased_at_s = 0.0
        self._looked_at_s = 0.0
        self._worked_at_s = 0.0
        self._blocked: set[str] = set()
        self._suspects = 0
        """Events that are handed over one by one, since one of them may have killed the worker before."""
        self._is_held = False
        """Whether the subscriber may not be handed what comes next."""
        self._held_for = ""
        """Why it could not take it, as far as that is not saved yet."""

    async def reached(self, position: int) -> None:
        """Wait until everything up to the position is done with, here or by another worker."""
        while not await self._is_done(position):  # noqa: ASYNC110 - it may be another process
            await asyncio.sleep(_UNSETTLED_S / 4)

    async def _is_done(self, position: int) -> bool:
        checkpoint = await self._positions.get()
        return checkpoint.position >= position and not await self._parked.any_until(position)

    def wake(self) -> None:
        """Look at the log now, unless what comes next has to wait anyway."""
        if not self._is_held:
            self._has_news.set()

    def stop(self) -> None:
        """End after the event that is under way."""
        self._stopped.set()
        self._has_news.set()

    async def run(self) -> None:
        """Work until stopped; what goes wrong with the database is tried again for ever."""
        is_added = False
        while not self._stopped.is_set():
            self._has_news.clear()
            pause_s = self._settings.poll_s
            try:
                if not is_added:
                    await self._positions.add()
                    is_added = True
                pause_s = await self.work()
            except Exception:
                self._checkpoint = None
                _logger.exception("The subscriber %s could not be served; it is tried again.", self.subscriber.name)
            if pause_s > 0:
                await self._wait(pause_s)
        with contextlib.suppress(Exception):
            await self._positions.release()

    async def _wait(self, pause_s: float) -> None:
        try:
            async with asyncio.timeout(pause_s):
                await self._has_news.wait()
        except TimeoutError:
            self._log.forget()
        gather_s = self._worked_at_s + _GATHER_S - asyncio.get_running_loop().time()
        if gather_s > 0 and not self._stopped.is_set():
            await asyncio.sleep(gather_s)

    async def work(self) -> float:
        """Do one batch; returns the seconds until the next look, unless there is news."""
        self._worked_at_s = asyncio.get_running_loop().time()
        checkpoint = self._checkpoint or await self._lease()
        if checkpoint is None:
            return self._settings.poll_s
        due = [head for head in await self._parked.heads() if self._is_due(head)] if self._blocked else []
        events: Sequence[LoggedEvent] = ()
        # After a crash one by one, so that what kills the worker is known.
        most = 1 if self._suspects else self._settings.batch_size
        if len(self._blocked) < _MOST_BLOCKED:
            events = await self._log.read(checkpoint.position, most)
        if not await self._while_leased(self._serve(checkpoint, events, due)):
            self._checkpoint = None
            return 0
        if self._is_held:
            self._checkpoint = await self._stay()
            return self._settings.poll_s
        if len(events) == most or self._checkpoint is None:
            return 0
        return await self._rest(self._checkpoint)

    async def _lease(self) -> Checkpoint | None:
        """Take the lease if there is anything to do, and nobody else has it."""
        checkpoint = await self._positions.get()
        if checkpoint.owner not in (None, self._owner):
            return None
        self._blocked = await self._parked.subjects()
        if not self._blocked and await self._log.newest() <= checkpoint.position:
            return None
        if not await self._positions.lease():
            return None
        self._leased_at_s = asyncio.get_running_loop().time()
        self._checkpoint = await self._positions.get()
        # A batch at most was under way: one of these it was.
        self._suspects = self._settings.batch_size if self._checkpoint.failures else 0
        return self._checkpoint

    async def _rest(self, checkpoint: Checkpoint) -> float:
        """Return the seconds until the next look; give the lease back where there is nothing to do for a while."""
        if self._blocked:
            self._blocked = await self._parked.subjects()
            heads = await self._parked.heads()
            wait_s = min((0 if self._is_due(head) else head.wait_ms for head in heads), default=0) / 1000
            return min(max(wait_s, 0.001), self._settings.poll_s)
        if await self._log.newest() > checkpoint.position:
            return _UNSETTLED_S
        if self._suspects:
            self._suspects = 0
            await self._store.commit([self._positions.calm()])
        loop = asyncio.get_running_loop()
        if loop.time() - self._looked_at_s < self._settings.poll_s:
            return self._settings.poll_s
        # Somebody may have moved it, or had a dead letter tried again.
        self._looked_at_s = loop.time()
        self._blocked = await self._parked.subjects()
        now = await self._own_checkpoint()
        if now is None or now.position != checkpoint.position:
            self._checkpoint = None
            return 0
        if loop.time() - self._leased_at_s > self._settings.lease_s / 3:
            self._checkpoint = None
            await self._positions.release()
        return self._settings.poll_s

    async def _stay(self) -> Checkpoint | None:
        """Return where it is held, which somebody may move; the reason is shown until something is taken again."""
        if self._held_for:
            await self._store.commit([self._positions.hold(self._held_for)])
            self._held_for = ""
        return await self._own_checkpoint()

    async def _own_checkpoint(self) -> Checkpoint | None:
        """Return where the subscriber stands now, which somebody may have moved; None when the lease is lost."""
        checkpoint = await self._positions.get()
        return checkpoint if checkpoint.owner == self._owner else None

    def _must_wait(self, event: LoggedEvent) -> bool:
        """Tell whether the subscriber may not be handed an event now, and remember it."""
        self._is_held = self._holds is not None and self._holds.is_held(event)
        return self._is_held

    def _is_due(self, head: Head) -> bool:
        """Tell whether it is time for another try; a pause longer than any was begun before the clock was put back."""
        return not 0 < head.wait_ms <= self._settings.longest_pause_s * 2000

    async def _while_leased(self, serving: Coroutine[None, None, bool]) -> bool:
        """Keep the lease while something takes long; when it is lost all the same, end what is under way."""
        loop = asyncio.get_running_loop()
        every_s = self._settings.lease_s / 3
        if loop.time() - self._leased_at_s > every_s and not await self._renew():
            serving.close()
            return False
        task = asyncio.create_task(serving, name=f"maydan batch {self.subscriber.name}")
        try:
            while not (await asyncio.wait({task}, timeout=every_s))[0]:
                if not await self._renew():
                    return False
            return task.result()
        finally:
            if not task.done():
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    async def _renew(self) -> bool:
        self._leased_at_s = asyncio.get_running_loop().time()
        return await self._positions.renew()

    async def _serve(self, checkpoint: Checkpoint, events: Sequence[LoggedEvent], due: Sequence[Head]) -> bool:
        """Hand over new events, then those that are due for another try; False when the lease is lost."""
        self._is_held = False
        if events and self._must_wait(events[0]):
            return True
        if events and self._suspects and not await self._beware(checkpoint, events[0]):
            return False
        if self._checkpoint is checkpoint and events and not await self._hand_over(checkpoint, events):
            return False
        for head in due:
            if self._stopped.is_set() or self._is_held:
                break
            try:
                await self._try_again(head)
            except GuardFailed:
                return False
        return True

    async def _beware(self, checkpoint: Checkpoint, event: LoggedEvent) -> bool:
        """Count a try before it is made, as a worker died here; bury what did it too often."""
        self._suspects -= 1
        if checkpoint.failures <= max(self._settings.tries - 1, 1):
            return await self._positions.begin()
        _logger.error("%s: event %s is a dead letter: %s", self.subscriber.name, event.position, _DIED)
        letter = letter_statement(self.subscriber.name, event, self._settings.tries, _DIED)
        failures = min(self._suspects, 1)
        self._checkpoint = Checkpoint(event.position, failures, self._owner)
        return await self._positions.advance(checkpoint.position, event.position, letter, failures=failures)

    async def _hand_over(self, checkpoint: Checkpoint, events: Sequence[LoggedEvent]) -> bool:
        """Hand over events and save how far it went, every few milliseconds."""
        if await self._take_all(events):
            self._checkpoint = replace(checkpoint, position=events[-1].position, failures=min(self._suspects, 1))
            return await self._advance(checkpoint.position, events[-1].position, ())
        if self._is_held:
            return True
        loop = asyncio.get_running_loop()
        before, after, begun_s = checkpoint.position, checkpoint.position, loop.time()
        parked: list[Waiting] = []
        for event in events:
            if self._stopped.is_set() or len(self._blocked) >= _MOST_BLOCKED or self._must_wait(event):
                break
            waiting = await self._take(event)
            if self._is_held:
                break
            if waiting is not None:
                parked.append(waiting)
            after = event.position
            if loop.time() - begun_s > _SAVE_AFTER_S:
                if not await self._advance(before, after, parked):
                    return False
                before, parked, begun_s = after, [], loop.time()
        self._checkpoint = replace(checkpoint, position=after, failures=min(self._suspects, 1))
        return after == before or await self._advance(before, after, parked)

    async def _take_all(self, events: Sequence[LoggedEvent]) -> bool:
        """Hand over all at once to who takes batches; False where they must be taken one by one."""
        if self._blocked or len(events) == 1 or self._batches is None:
            return False
        try:
            await self._batches.handle_all(events)
        except Held as held:
            self._hold(events[0], held)
            return False
        except Exception as error:  # noqa: BLE001 - one by one it shows which event it is
            _logger.warning("%s could not take %s events at once: %r.", self.subscriber.name, len(events), error)
            return False
        return True

    async def _advance(self, before: int, after: int, parked: Sequence[Waiting]) -> bool:
        self._leased_at_s = asyncio.get_running_loop().time()
        more = [parked_statement(self.subscriber.name, parked)] if parked else []
        return await self._positions.advance(before, after, *more, failures=min(self._suspects, 1))

    async def _take(self, event: LoggedEvent) -> Waiting | None:
        """Hand over one event; returns what is to be parked, where it could not be taken or must wait."""
        subject = subject_of(event)
        if subject in self._blocked:
            return Waiting(event)
        error = await self._handle(event)
        if not error or self._is_held:
            return None
        self._blocked.add(subject)
        return Waiting(event, 1, error, self._pause_ms(1))

    async def _try_again(self, head: Head) -> None:
        event = await find_event(self._store, head.position)
        if event is None:
            await self._parked.take(head)
            return
        if self._must_wait(event):
            return
        if head.attempts >= self._settings.tries:  # a worker died of the last try
            await self._bury(event, head.attempts, _DIED)
            return
        attempts = head.attempts + 1
        await self._store.commit([self._parked.begin(head, self._pause_ms(attempts)), self._positions.calm()])
        error = await self._handle(event)
        if self._is_held:
            self._held_for = ""
            await self._parked.hold(head, error)
        elif not error:
            await self._parked.take(head)
        elif attempts >= self._settings.tries:
            await self._bury(event, attempts, error)
        else:
            await self._parked.fail(head, error, self._pause_ms(attempts))

    async def _bury(self, event: LoggedEvent, attempts: int, error: str) -> None:
        _logger.error("%s: event %s is a dead letter: %s", self.subscriber.name, event.position, error)
        await self._parked.bury(event, attempts, error)

    async def _handle(self, event: LoggedEvent) -> str:
        """Hand over one event; returns the error as text, empty when it went well."""
        try:
            await self.subscriber.handle(event)
        except Held as held:
            return self._hold(event, held)
        except Exception as error:  # noqa: BLE001 - whatever it raises, the event was not taken
            _logger.warning("%s could not take event %s: %r.", self.subscriber.name, event.position, error)
            return _as_text(error)
        return ""

    def _hold(self, event: LoggedEvent, held: Held) -> str:
        """Leave the place where it is, as no event is to blame; returns the error as text."""
        _logger.warning("%s is held at event %s: %s", self.subscriber.name, event.position, held)
        self._is_held, self._held_for = True, _as_text(held)
        return self._held_for

    def _pause_ms(self, attempts: int) -> int:
        pause_s = min(self._settings.first_pause_s * 2 ** (attempts - 1), self._settings.longest_pause_s)
        return round(pause_s * 1000 * random.uniform(0.8, 1.2))  # noqa: S311 - spreads tries, hides nothing


def _as_text(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:_LONGEST_ERROR]
