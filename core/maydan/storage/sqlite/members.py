"""Who takes part in a commit: the transactions that share it, and those who wait for their turn."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable

Work = Callable[[], Iterable[str]]
"""What a member does without waiting for anything; returns the signals to send after the commit."""


class Group:
    """Transactions that are committed together."""

    def __init__(self) -> None:
        """Begin without any."""
        self.started_at = time.monotonic()
        self.waiters: list[asyncio.Future[bool]] = []
        self.watchers: list[asyncio.Future[None]] = []
        self.refused: list[tuple[asyncio.Future[bool], Exception]] = []
        self.signals: list[str] = []


class Waiting:
    """Somebody in the queue: for the turn, or, with ``work``, for whoever has it to do the work."""

    def __init__(self, work: Work | None) -> None:
        """Wait from now on."""
        self.work = work
        self.answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        """True: the turn is theirs. False: their work is done, and on disk."""
        self.timer: asyncio.TimerHandle | None = None

    def leave(self) -> None:
        """Out of the queue: nothing is too late any more."""
        if self.timer is not None:
            self.timer.cancel()
