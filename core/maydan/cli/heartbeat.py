"""The page of memory between the supervisor and one worker, and the worker's regular sign of life on it.

Only the standard library: the supervisor imports it.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from maydan.plugins.notes import PAGE_BYTES, Notes

if TYPE_CHECKING:
    import asyncio

BEAT_S: Final = 0.5


def create_page() -> tuple[int, Notes]:
    """Return the descriptor of a new page, to be passed to a worker, and the notes on it."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("maydan-notes")
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, PAGE_BYTES)
    return descriptor, attach_page(descriptor)


def attach_page(descriptor: int) -> Notes:
    """Return the notes on a page that the parent made."""
    return Notes(mmap.mmap(descriptor, PAGE_BYTES))


class Heartbeat:
    """Beats on the event loop: a loop that is stuck does not beat."""

    def __init__(self, notes: Notes, each_time: Callable[[], None]) -> None:
        """Beat on these notes.

        Args:
            each_time: Called with every beat.
        """
        self._notes = notes
        self._each_time = each_time
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Beat now and from now on, in the running loop."""
        # Here, since the supervisor has no loop: asyncio is a fifth of what it would import.
        import asyncio

        self._notes.beat()
        self._timer = asyncio.get_running_loop().call_later(BEAT_S, self._beat)

    def stop(self) -> None:
        """Beat no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _beat(self) -> None:
        self.start()
        self._each_time()
