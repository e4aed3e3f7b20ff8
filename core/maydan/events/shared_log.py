"""Reading the log for several subscribers at once: those that stand at the same place share one statement."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from maydan.storage import Store
from maydan.storage.log import LoggedEvent, newest_position, read_after


class SharedLog:
    """The log as this worker's subscribers read it."""

    def __init__(self, store: Store) -> None:
        """Read from this store."""
        self._store = store
        self._reads: dict[tuple[int, int], asyncio.Task[list[LoggedEvent]]] = {}
        self._newest = 0

    def forget(self) -> None:
        """Read anew from now on: there may be more than what was read."""
        self._reads, self._newest = {}, 0

    async def newest(self) -> int:
        """Return the position of the newest event, whether its order is final or not."""
        if not self._newest:
            self._newest = await newest_position(self._store)
        return self._newest

    async def read(self, position: int, limit: int) -> Sequence[LoggedEvent]:
        """Return the events after a position, oldest first; what was read since the last :meth:`forget` is kept."""
        key = (position, limit)
        reading = self._reads.get(key)
        if reading is None:
            if len(self._reads) > 1:  # flat memory: only where the others are, or are about to be
                self._reads.pop(next(iter(self._reads)))
            reading = self._reads[key] = asyncio.create_task(read_after(self._store, position, limit))
        try:
            events = await asyncio.shield(reading)
        except BaseException:
            self._reads.pop(key, None)
            raise
        if not events:
            self._reads.pop(key, None)
        return events
