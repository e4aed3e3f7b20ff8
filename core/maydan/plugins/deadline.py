"""A deadline for plugin code that runs while the process starts, before there is a loop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType
from typing import Final

IMPORT_S: Final = 5.0
"""Seconds for an import or a setup hook. Less than the watchdog's ten, which is the net for what Python cannot stop."""
_AGAIN_S: Final = 0.5


class StartDeadlinePassed(BaseException):
    """Not an ``Exception``: a plugin that tries again after every error must not swallow it."""


@contextmanager
def starting_deadline(after_s: float = IMPORT_S) -> Generator[None]:
    """Raise in the block when time is up, and again every half second until the block is left.

    Works in the main thread only; in others (tests, commands inside a server) the block runs without a deadline.

    Raises:
        StartDeadlinePassed: Time is up.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def expire(_number: int, _frame: FrameType | None) -> None:
        raise StartDeadlinePassed(f"took longer than {after_s:g} s")

    former = signal.signal(signal.SIGALRM, expire)
    try:
        signal.setitimer(signal.ITIMER_REAL, after_s, _AGAIN_S)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    finally:
        signal.signal(signal.SIGALRM, former)
