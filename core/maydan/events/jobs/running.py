"""Carrying out jobs in this worker."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from maydan.events.clock_jumps import ClockWatch
from maydan.events.jobs.leasing import Leases
from maydan.events.jobs.records import SIGNAL, Job, JobStatus, done_statement, job_statement
from maydan.events.jobs.registry import Handler, Handlers, Ready
from maydan.events.settings import JobsSettings
from maydan.storage.ports import GuardFailed
from maydan.tasks import is_being_cancelled

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from maydan.clock import Clock
    from maydan.storage.ports import Store

_LOG = logging.getLogger("maydan.jobs")


class Obsolete(Exception):
    """Raised by a handler: what the job was for is gone, so that it is cancelled and not tried again."""


class Jobs:
    """Does jobs as they become due; any number of workers share the work."""

    def __init__(self, store: Store, clock: Clock, settings: JobsSettings | None = None) -> None:
        """Do the jobs of this store; nothing happens before :meth:`start` or :meth:`run_due`."""
        self._store = store
        self._clock = clock
        self._settings = settings or JobsSettings()
        self._leases = Leases(store, clock, self._settings)
        self._handlers = Handlers()
        self._watch = ClockWatch(clock)
        self._planned: tuple[datetime, datetime] | None = None
        """From when until when there is nothing new to plan."""
        self._news = asyncio.Event()
        self._stopping = False
        self._loop: asyncio.Task[None] | None = None
        self._running: set[asyncio.Task[None]] = set()
        self._stop_listening: Callable[[], None] | None = None

    def handler(self, kind: str, handle: Handler, *, ready: Ready = lambda: True) -> None:
        """Let this process do jobs of a kind, before :meth:`start`; see :meth:`Handlers.add`."""
        self._handlers.add(kind, handle, ready=ready)

    def every(self, kind: str, cron: str, timezone: str, handle: Handler, *, ready: Ready = lambda: True) -> None:
        """Do something at every tick of a cron expression, once over all workers; see :meth:`Handlers.repeat`.

        A tick during which no worker ran is made up for once, as soon as one does.
        """
        self._handlers.add(kind, handle, ready=ready)
        self._handlers.repeat(kind, cron, timezone)

    async def start(self) -> None:
        """Begin to look for jobs."""
        self._stopping = False
        self._stop_listening = self._store.signals.listen(self._hear)
        self._loop = asyncio.create_task(self._run(), name="maydan jobs")

    async def stop(self, timeout_s: float = 10.0) -> None:
        """Finish what is under way and give back what is not finished in time."""
        if self._stop_listening is not None:
            self._stop_listening()
        loop, self._loop = self._loop, None
        if loop is None:
            return
        self._stopping = True
        self._news.set()
        await asyncio.gather(loop, return_exceptions=True)
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=timeout_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def run_due(self, kinds: Sequence[str] | None = None) -> int:
        """Do what is due now, one after the other, and return how many jobs that were; ``None`` is every kind."""
        await self.plan()
        count = 0
        while found := await self._leases.due(self._handlers.ready_kinds if kinds is None else kinds, 20):
            for job in found:
                taken = await self._leases.take(job)
                if taken is not None:
                    await self._carry_out(taken)
                    count += 1
        return count

    async def plan(self) -> None:
        """Store the next job of everything that is done again and again, unless some worker has."""
        now = self._clock.now()
        if self._planned is not None and self._planned[0] <= now < self._planned[1]:
            return
        coming = self._handlers.coming(now)
        for job in coming:
            await self._store.commit([job_statement(job)])
        if coming:
            self._planned = now, min(job.run_at for job in coming)

    def _hear(self, signal: str) -> None:
        if signal == SIGNAL:
            self._news.set()

    async def _run(self) -> None:
        while not self._stopping:
            self._news.clear()
            try:
                if self._watch.was_put_back():
                    await self._leases.hurry()
                    self._watch.forget()
                await self.plan()
                await self._begin_due()
            except Exception:  # noqa: BLE001 - the database may be down, and come back
                _LOG.exception("Jobs could not be looked for; it is tried again in %s s.", self._settings.poll_s)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._settings.poll_s):
                    await self._news.wait()

    async def _begin_due(self) -> None:
        free = self._settings.at_once - len(self._running)
        for job in await self._leases.due(self._handlers.ready_kinds, free):
            if self._stopping:
                return
            taken = await self._leases.take(job)
            if taken is not None:
                task = asyncio.create_task(self._carry_out(taken), name=f"maydan job {taken.kind}")
                self._running.add(task)
                task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._news.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            _LOG.error("A job was left to another worker: %r", error)

    async def _carry_out(self, job: Job) -> None:
        """Do a job that this worker has taken, and note how it went."""
        done = done_statement(job, self._clock.now())
        handling = asyncio.ensure_future(self._handlers.of(job.kind)(job, done))
        try:
            await self._while_ours(job, handling)
        except asyncio.CancelledError:
            if not is_being_cancelled():
                await self._failed(job, "CancelledError: what it waited for was cancelled")
                return
            await self._leases.release(job)
            raise
        except Obsolete as reason:
            await self._leases.end(job, JobStatus.CANCELLED, str(reason) or None)
        except Exception as error:  # noqa: BLE001 - whatever a handler raises, the job was not done
            await self._failed(job, f"{type(error).__name__}: {error}")
        else:
            # Where the handler has stored it, or the job was taken over, there is nothing left to say.
            with contextlib.suppress(GuardFailed):
                await self._store.commit([done_statement(job, self._clock.now())])

    async def _failed(self, job: Job, error: str) -> None:
        _LOG.warning("The job %s (%s) failed, try %s: %s", job.kind, job.id, job.tries, error)
        await self._leases.fail(job, error)

    async def _while_ours(self, job: Job, handling: asyncio.Future[None]) -> None:
        """Wait for the handler and renew the lease meanwhile; one that is lost ends it, since its effect is refused."""
        try:
            while not (await asyncio.wait({handling}, timeout=self._settings.lease_s / 3))[0]:
                if not await self._leases.renew(job):
                    return
            handling.result()
        finally:
            if not handling.done():
                handling.cancel()
                await asyncio.gather(handling, return_exceptions=True)
