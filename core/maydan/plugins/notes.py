"""The page of memory in which a worker notes whose code is running, for the parent that must know after a crash.

Only the standard library: the supervisor imports it and stays small. A note is written before plugin code gets the
processor and taken back after; so whatever stops the worker (a loop, ``os._exit``, a crash in C) stops it with the
culprit's name on the page. Times are ``time.monotonic_ns()``, which processes of one machine share.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator
from typing import Final, NamedTuple, Protocol

PAGE_BYTES: Final = 8192
_SLOT_BYTES: Final = 160
_FIRST_SLOT: Final = 64
THREAD_SLOTS: Final = 32
_BEAT: Final = struct.Struct("=q")
_PHASE: Final = 8
_EMPTY: Final = bytes(_SLOT_BYTES)

STARTING: Final = 0
SERVING: Final = 1
STOPPING: Final = 2
LEAKING: Final = 3
"""A thread of a plugin runs on after its deadline: the worker asks to be replaced."""


IMPORT: Final = "import"
"""What a plugin does before it does anything else."""

AGAIN: Final = "again"
"""What an isolated plugin is said to have done when it stopped a worker once more."""


def is_at_start(what: str) -> bool:
    """Tell whether that happens while a plugin is loaded, so that loading it again would do it again."""
    return what == IMPORT or what.startswith(("register_", "provide_"))


class Page(Protocol):
    """Writable bytes: a ``bytearray``, or memory shared with the parent."""

    def __getitem__(self, key: slice, /) -> bytes | bytearray:
        """Read bytes."""
        ...

    def __setitem__(self, key: slice, value: bytes, /) -> None:
        """Write bytes."""
        ...


class Culprit(NamedTuple):
    """Whose code was running, and what it was doing."""

    plugin: str
    what: str
    """``import``, the name of a hook, or ``route GET /path``."""


def pack(plugin: str, what: str) -> bytes:
    """Return the note for a plugin's code, made once and written many times."""
    text = f"{plugin}\0{what}".encode("utf-8", "replace")[: _SLOT_BYTES - 1]
    return (bytes((len(text),)) + text).ljust(_SLOT_BYTES, b"\0")


def unpack(note: bytes) -> Culprit | None:
    """Read a note; ``None`` for an empty slot."""
    length = note[0]
    if not length:
        return None
    plugin, _, what = bytes(note[1 : 1 + length]).decode("utf-8", "replace").partition("\0")
    return Culprit(plugin, what)


class Notes:
    """Writes and reads the page. The first slot is the event loop's, the others belong to threads."""

    def __init__(self, page: Page | None = None) -> None:
        """Use the page that the parent reads; a private one without."""
        self._page: Page = page if page is not None else bytearray(PAGE_BYTES)
        self._loop_slot = slice(_FIRST_SLOT, _FIRST_SLOT + _SLOT_BYTES)
        self.running = _EMPTY
        """What the loop's slot holds; empty while the core's own code runs."""

    def enter(self, note: bytes) -> bytes:
        """Note that a plugin's code runs on the loop from now on; returns what to give to :meth:`leave`."""
        outer = self.running
        self.running = self._page[self._loop_slot] = note
        return outer

    def leave(self, outer: bytes) -> None:
        """Note that it gave the loop back."""
        self.running = self._page[self._loop_slot] = outer

    def set_thread(self, slot: int, note: bytes = _EMPTY) -> None:
        """Note what one of our threads (0 to ``THREAD_SLOTS`` - 1) runs; without a note, that it is idle."""
        start = _FIRST_SLOT + (slot + 1) * _SLOT_BYTES
        self._page[slice(start, start + _SLOT_BYTES)] = note

    def beat(self) -> None:
        """Note that the worker is alive."""
        self._page[0:8] = _BEAT.pack(time.monotonic_ns())

    def beaten_s(self) -> float:
        """Return how many seconds ago it was alive; infinite when it never was."""
        (at_ns,) = _BEAT.unpack(bytes(self._page[0:8]))
        return (time.monotonic_ns() - at_ns) / 1e9 if at_ns else float("inf")

    @property
    def phase(self) -> int:
        """``STARTING``, ``SERVING``, ``STOPPING`` or ``LEAKING``."""
        return self._page[_PHASE : _PHASE + 1][0]

    @phase.setter
    def phase(self, value: int) -> None:
        self._page[_PHASE : _PHASE + 1] = bytes((value,))

    def culprit(self) -> Culprit | None:
        """Return whose code was running: the loop's note first, then the threads'."""
        return next(self._culprits(), None)

    def _culprits(self) -> Iterator[Culprit]:
        for slot in range(THREAD_SLOTS + 1):
            start = _FIRST_SLOT + slot * _SLOT_BYTES
            found = unpack(bytes(self._page[start : start + _SLOT_BYTES]))
            if found:
                yield found
