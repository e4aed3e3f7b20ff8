"""A process that writes to a SQLite file for a while: ``writing.py PATH WORD SECONDS`` prints how many it stored."""

from __future__ import annotations

import asyncio
import sys
import time

from maydan.storage import DatabaseSettings, Statement
from maydan.storage.sqlite.store import SQLiteStore


async def main(path: str, word: str, seconds: float) -> None:
    """Write with four tasks at once."""
    store = SQLiteStore(path, DatabaseSettings())
    await store.open()
    deadline = time.monotonic() + seconds

    async def write(lane: int) -> int:
        count = 0
        while time.monotonic() < deadline:
            name = f"{word} {lane} {count}"
            await store.commit([Statement("INSERT INTO things (name, number) VALUES (?, 1)", (name,))])
            count += 1
        return count

    sys.stdout.write(f"{sum(await asyncio.gather(*(write(lane) for lane in range(4))))}\n")
    await store.close()


asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3])))
