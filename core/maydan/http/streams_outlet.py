"""The writing end of a stream: a bounded buffer between whoever has news and a reader who may be slow."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from enum import Enum


class Ending(Enum):
    """Why a stream ended; the values name it in the metrics."""

    DONE = "done"
    """Everything was said."""
    GONE = "gone"
    """The client went away."""
    SLOW = "slow"
    """The client took too little for too long."""
    REVOKED = "revoked"
    """The caller may not read it any more."""
    STOPPING = "stopping"
    """The worker stops."""
    FAILED = "failed"
    """What writes it failed."""


class Outlet:
    """What a stream's producer writes to."""

    __slots__ = ("_frames", "_has_news", "_has_room", "_limit_bytes", "_waiting_bytes", "ending")

    def __init__(self, limit_bytes: int) -> None:
        """Keep at most so many bytes for the reader (and always one frame, however large)."""
        self.ending: Ending | None = None
        self._limit_bytes = limit_bytes
        self._frames: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._has_news = asyncio.Event()
        self._has_room = asyncio.Event()

    def offer(self, frame: bytes) -> bool:
        """Write without waiting: a reader for whom too much waits is cut off. False when the stream has ended."""
        if self.ending is None and not self._fits(frame):
            self.end(Ending.SLOW)
        if self.ending is not None:
            return False
        self._add(frame)
        return True

    async def put(self, frame: bytes) -> bool:
        """Write as soon as the reader has room for it; False when the stream has ended."""
        while self.ending is None and not self._fits(frame):
            self._has_room.clear()
            await self._has_room.wait()
        if self.ending is not None:
            return False
        self._add(frame)
        return True

    def end(self, ending: Ending = Ending.DONE) -> None:
        """End the stream; what waits is still sent where the reader takes it. Only the first reason counts."""
        if self.ending is not None:
            return
        self.ending = ending
        if ending in (Ending.SLOW, Ending.GONE, Ending.REVOKED):
            self._frames.clear()
        self._has_news.set()
        self._has_room.set()

    async def take(self, timeout_s: float) -> bytes | None:
        """Return everything that waits, empty after a silence of ``timeout_s``; ``None`` when the stream is over."""
        if not self._frames and self.ending is None:
            self._has_news.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await self._has_news.wait()
        if not self._frames:
            return b"" if self.ending is None else None
        taken = b"".join(self._frames)
        self._frames.clear()
        self._waiting_bytes = 0
        self._has_room.set()
        return taken

    def _fits(self, frame: bytes) -> bool:
        return not self._frames or self._waiting_bytes + len(frame) <= self._limit_bytes

    def _add(self, frame: bytes) -> None:
        self._frames.append(frame)
        self._waiting_bytes += len(frame)
        self._has_news.set()
