"""Running plugin code: noted, so that whatever stops the worker is blamed on the right plugin, and with a deadline."""

from __future__ import annotations

import asyncio
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple, ParamSpec, Self, TypeVar

from maydan.plugins.notes import Notes, pack
from maydan.plugins.threads import HookThreads

P = ParamSpec("P")
T = TypeVar("T")
GRACE_S: Final = 1.0
"""Seconds that a cancelled coroutine has for its ``finally`` blocks before it is dropped."""


class DeadlinePassed(Exception):
    """Plugin code took longer than it may."""


class Waiting(NamedTuple):
    """A plugin's coroutine that has begun and waits for something."""

    note: bytes
    coroutine: Coroutine[Any, Any, Any]
    yielded: Any
    """What it waits for, as the event loop wants to see it."""


class Guard:
    """Runs the code of plugins, on the loop and in threads."""

    def __init__(self, notes: Notes | None = None) -> None:
        """Write notes to the page that the supervisor reads; to a private one without."""
        self.notes = notes or Notes()
        self.threads = HookThreads(self.notes)

    @contextmanager
    def noted(self, plugin: str, what: str) -> Generator[None]:
        """Note that a plugin's code runs in the block, which does not wait for anything: imports, set-up."""
        outer = self.notes.enter(pack(plugin, what))
        self.notes.beat()
        try:
            yield
        finally:
            self.notes.beat()
            self.notes.leave(outer)

    def guarded(self, plugin: str, what: str, coroutine: Coroutine[Any, Any, T]) -> Awaitable[T]:
        """Await a plugin's coroutine, such as that of a route's handler; a loop in it is blamed on the plugin."""
        return self._guarded(pack(plugin, what), coroutine)

    async def _guarded(self, note: bytes, coroutine: Coroutine[Any, Any, T]) -> T:
        begun = self.begin(note, lambda: coroutine, ())
        return await self.finish(begun, deadline_s=None) if isinstance(begun, Waiting) else begun

    def begin(
        self, note: bytes, function: Callable[..., Coroutine[Any, Any, Any]], args: tuple[object, ...]
    ) -> Waiting | Any:
        """Call a coroutine function and run it to where it first waits, without a task and a timer.

        Most hooks wait for nothing: this returns their result. Otherwise it returns what to give to :meth:`finish`.
        """
        outer = self.notes.enter(note)
        try:
            coroutine = function(*args)
            return Waiting(note, coroutine, coroutine.send(None))
        except StopIteration as stop:
            return stop.value
        finally:
            self.notes.leave(outer)

    async def finish(self, waiting: Waiting, *, deadline_s: float | None) -> Any:
        """Await the rest of a coroutine that was begun.

        Raises:
            DeadlinePassed: It took longer; it was cancelled, and dropped if it did not listen.
        """
        if deadline_s is None:
            return await _go_on(self.notes, waiting, None)
        with _Deadline(deadline_s) as deadline:
            return await _go_on(self.notes, waiting, deadline)

    async def run_in_thread(
        self, note: bytes, function: Callable[..., object], args: tuple[object, ...], *, deadline_s: float
    ) -> Any:
        """Call a plain function in a thread.

        Raises:
            DeadlinePassed: It took longer; the thread is left behind.
        """
        with _Deadline(deadline_s):
            return await self.threads.run(note, function, args)

    def adopt_tasks(self, loop: asyncio.AbstractEventLoop) -> None:
        """Note for tasks, too, that a plugin started them: a loop in one is blamed on it as well."""
        loop.set_task_factory(self._make_task)

    def _make_task(
        self, loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, T] | Generator[Any, None, T], **more: Any
    ) -> asyncio.Task[T]:
        note = self.notes.running
        if note[0] and isinstance(coroutine, Coroutine):
            coroutine = self._guarded(note, coroutine)
        return asyncio.Task(coroutine, loop=loop, **more)


class Guarding:
    """Makes of functions that a plugin hands over, to be called later, ones that run guarded."""

    def __init__(self, guard: Guard, plugin: str, what: str) -> None:
        """Blame this plugin, for this."""
        self._guard = guard
        self._plugin = plugin
        self._what = what

    def guarded(self, function: Callable[P, Awaitable[T]]) -> Callable[P, Coroutine[Any, Any, T]]:
        """Return a coroutine function as a plugin's."""

        async def called(*args: P.args, **kwargs: P.kwargs) -> T:
            return await self._guard.guarded(self._plugin, self._what, _awaited(function, *args, **kwargs))

        return called

    def noted(self, function: Callable[P, T]) -> Callable[P, T]:
        """Return a function that waits for nothing as a plugin's."""

        def called(*args: P.args, **kwargs: P.kwargs) -> T:
            with self._guard.noted(self._plugin, self._what):
                return function(*args, **kwargs)

        return called


async def _awaited(function: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
    return await function(*args, **kwargs)


class _Deadline:
    """Cancels the task in the block when time is up, once more after the grace, and turns that into an error.

    ``asyncio.timeout`` cancels once only, and a coroutine that swallows it would never end.
    """

    def __init__(self, after_s: float) -> None:
        self._after_s = after_s
        self.cancelled = 0

    def __enter__(self) -> Self:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a deadline needs a task")
        self._task = task
        self._before = task.cancelling()
        self._timer = asyncio.get_running_loop().call_later(self._after_s, self._expire)
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self._timer.cancel()
        if not self.cancelled:
            return
        for _ in range(self.cancelled):
            self._task.uncancel()
        if isinstance(error, asyncio.CancelledError) and self._task.cancelling() > self._before:
            return
        raise DeadlinePassed(f"took longer than {self._after_s:g} s") from None

    def _expire(self) -> None:
        self.cancelled += 1
        self._task.cancel()
        self._timer = asyncio.get_running_loop().call_later(GRACE_S, self._expire)


@types.coroutine
def _go_on(notes: Notes, waiting: Waiting, deadline: _Deadline | None) -> Generator[Any, Any, Any]:
    """Go on with a coroutine that waits, in the task that began it: ``current_task()`` stays the same for it."""
    note, coroutine, yielded = waiting
    while True:
        try:
            value = yield yielded
            step: Callable[[Any], Any] = coroutine.send
        except BaseException as error:  # noqa: BLE001 - cancellation too belongs to the coroutine
            step, value = coroutine.throw, error
        outer = notes.enter(note)
        try:
            yielded = step(value)
            if deadline is not None and deadline.cancelled > 1:
                _drop(coroutine)
        except StopIteration as stop:
            return stop.value
        finally:
            notes.leave(outer)


def _drop(coroutine: Coroutine[Any, Any, Any]) -> None:
    """End a coroutine that goes on although it was cancelled twice."""
    try:
        coroutine.close()
    finally:
        raise asyncio.CancelledError
