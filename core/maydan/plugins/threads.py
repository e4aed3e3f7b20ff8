"""Threads for plugin code that is not ``async``: each with a note of what it runs, and a way to leave one behind.

``ThreadPoolExecutor`` does not serve: it waits for its threads when the process ends, and one that never returns would
keep the worker from stopping.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from queue import SimpleQueue
from time import monotonic
from typing import Any, Final, NamedTuple

from maydan.plugins.notes import THREAD_SLOTS, Culprit, Notes, unpack

LEAK_S: Final = 10.0
"""Seconds after its deadline when a thread counts as lost; the watchdog's measure (design.md, rule 7)."""


class _Job(NamedTuple):
    note: bytes
    run: Callable[[], object]
    answer: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop


class _Worker:
    """One thread; ``job`` is what it runs, and is looked at from the loop."""

    def __init__(self, slot: int) -> None:
        self.slot = slot
        self.job: _Job | None = None
        self.abandoned_at: float | None = None


class HookThreads:
    """Runs plain functions of plugins in daemon threads, at most ``THREAD_SLOTS`` at once."""

    def __init__(self, notes: Notes) -> None:
        """Write notes to this page; threads start when they are needed."""
        self._notes = notes
        self.lost_after_s = LEAK_S
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._workers: list[_Worker] = []
        self._lock = threading.Lock()
        self._idle = 0

    async def run(self, note: bytes, function: Callable[..., object], args: tuple[object, ...]) -> Any:
        """Run it and return what it returns.

        Cancelling (by a deadline) leaves the thread behind; :meth:`lost` tells of those that do not come back.
        """
        loop = asyncio.get_running_loop()
        context = contextvars.copy_context()
        job = _Job(note, lambda: context.run(function, *args), loop.create_future(), loop)
        self._submit(job)
        try:
            return await job.answer
        except asyncio.CancelledError:
            self._abandon(job)
            raise

    def lost(self) -> Culprit | None:
        """Return whose code still runs in a thread ``lost_after_s`` after it was given up, if any."""
        latest = monotonic() - self.lost_after_s
        for worker in tuple(self._workers):
            job = worker.job
            if job and worker.abandoned_at is not None and worker.abandoned_at <= latest:
                return unpack(job.note)
        return None

    def close(self) -> None:
        """Let idle threads end; what still runs ends with the process."""
        for _ in self._workers:
            self._jobs.put(None)

    def _submit(self, job: _Job) -> None:
        with self._lock:
            if self._idle <= self._jobs.qsize() and len(self._workers) < THREAD_SLOTS:
                worker = _Worker(len(self._workers))
                self._workers.append(worker)
                threading.Thread(
                    target=self._work, args=(worker,), name=f"maydan-hook-{worker.slot}", daemon=True
                ).start()
        self._jobs.put(job)

    def _abandon(self, job: _Job) -> None:
        for worker in self._workers:
            if worker.job is job:
                worker.abandoned_at = monotonic()

    def _work(self, worker: _Worker) -> None:
        while True:
            with self._lock:
                self._idle += 1
            job = self._jobs.get()
            with self._lock:
                self._idle -= 1
            if job is None:
                return
            if job.answer.cancelled():
                continue
            worker.abandoned_at = None
            worker.job = job
            self._notes.set_thread(worker.slot, job.note)
            result: object = None
            failure: BaseException | None = None
            try:
                result = job.run()
            except BaseException as error:  # noqa: BLE001 - whatever a plugin raises is the caller's to judge
                failure = error
            self._notes.set_thread(worker.slot)
            worker.job = None
            _deliver(job, result, failure)


def _deliver(job: _Job, result: object, failure: BaseException | None) -> None:
    def settle() -> None:
        if job.answer.done():
            return
        if failure is None:
            job.answer.set_result(result)
        elif isinstance(failure, StopIteration | asyncio.CancelledError):
            job.answer.set_exception(RuntimeError(f"the plugin raised {type(failure).__name__}"))
        else:
            job.answer.set_exception(failure)

    if not job.loop.is_closed():
        job.loop.call_soon_threadsafe(settle)
