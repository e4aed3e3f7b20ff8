"""Threads for what is not async."""

from __future__ import annotations

import asyncio
import threading

import pytest

from maydan.plugins.notes import THREAD_SLOTS, Culprit, Notes, pack
from maydan.plugins.threads import HookThreads

pytestmark = pytest.mark.anyio

NOTE = pack("a", "entry_created")


async def test_what_runs_in_a_thread_is_noted() -> None:
    """A crash of the process in there has a name."""
    notes = Notes()
    assert await HookThreads(notes).run(NOTE, notes.culprit, ()) == Culprit("a", "entry_created")
    assert notes.culprit() is None


async def test_errors_come_back_to_the_caller() -> None:
    """StopIteration, too, which no future takes."""
    threads = HookThreads(Notes())

    def fail(error: type[BaseException]) -> None:
        raise error

    with pytest.raises(ZeroDivisionError):
        await threads.run(NOTE, fail, (ZeroDivisionError,))
    with pytest.raises(RuntimeError, match="StopIteration"):
        await threads.run(NOTE, fail, (StopIteration,))
    with pytest.raises(SystemExit):
        await threads.run(NOTE, fail, (SystemExit,))


async def test_a_thread_that_does_not_come_back_is_told_of() -> None:
    """Only after it was given up for a while: one that is just late is no reason to restart."""
    threads = HookThreads(Notes())
    release = threading.Event()
    waiting = asyncio.create_task(threads.run(NOTE, release.wait, ()))
    await asyncio.sleep(0.05)
    assert threads.lost() is None
    waiting.cancel()
    await asyncio.wait({waiting})
    assert threads.lost() is None
    threads.lost_after_s = 0
    assert threads.lost() == Culprit("a", "entry_created")
    release.set()
    while threads.lost():  # noqa: ASYNC110 - a thread comes back, and has nobody to tell
        await asyncio.sleep(0.01)


async def test_threads_are_used_again_and_never_too_many() -> None:
    """More calls than threads wait for their turn."""
    threads = HookThreads(Notes())
    names: set[str] = set()

    def work() -> None:
        names.add(threading.current_thread().name)

    await asyncio.gather(*(threads.run(NOTE, work, ()) for _ in range(THREAD_SLOTS * 4)))
    assert len(names) <= THREAD_SLOTS
