"""The operating system's lock that keeps writing processes apart, fairly."""

from __future__ import annotations

import fcntl
import os
import time
from typing import Final

_POLL_S: Final = 0.0005


class FileLock:
    """``flock`` on ``<database>.lock``, with ``<database>.queue`` as the turnstile before it.

    Whoever wants the lock passes the turnstile first and keeps it until it has the lock. So a process that has just
    released the lock, and wants it again, stands behind one that has been waiting. The kernel releases both when
    their process dies. Not for several threads at once.
    """

    def __init__(self, database: str) -> None:
        """Open the two files beside the database."""
        self._lock = os.open(f"{database}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._queue = os.open(f"{database}.queue", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self.is_held = False

    def try_acquire(self) -> bool:
        """Take the lock if that is possible at once."""
        if not _try(self._queue):
            return False
        self.is_held = _try(self._lock)
        fcntl.flock(self._queue, fcntl.LOCK_UN)
        return self.is_held

    def acquire(self, timeout_s: float) -> bool:
        """Wait for the lock in a thread; returns whether it was had in time."""
        deadline = time.monotonic() + timeout_s
        if not _wait(self._queue, deadline):
            return False
        try:
            self.is_held = _wait(self._lock, deadline)
        finally:
            fcntl.flock(self._queue, fcntl.LOCK_UN)
        return self.is_held

    def release(self) -> None:
        """Let the next one in."""
        self.is_held = False
        fcntl.flock(self._lock, fcntl.LOCK_UN)

    def close(self) -> None:
        """Close the files, and with them release what is held."""
        self.is_held = False
        os.close(self._lock)
        os.close(self._queue)


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait(descriptor: int, deadline: float) -> bool:
    # Not a blocking flock: nothing could end it when the holder is stopped, not even the end of this process.
    while not _try(descriptor):
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_S)
    return True
