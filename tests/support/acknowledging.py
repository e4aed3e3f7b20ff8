"""A process that writes until it is killed: ``acknowledging.py URL RUN`` prints each name once it is committed."""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import UTC, datetime

from maydan.storage import DatabaseSettings, Statement, open_store
from maydan.storage.log import Event, event_statement


async def main(url: str, run: str) -> None:
    """Write with eight tasks at once."""
    store = open_store(DatabaseSettings(url=url))
    await store.open()

    async def write(lane: int) -> None:
        count = 0
        while True:
            name = f"{run}.{lane}.{count}"
            event = Event(type="entry.created", space_key=1, subject_type="t", subject_id=name, at=datetime.now(UTC))
            await store.commit([Statement("INSERT INTO kept (name) VALUES (?)", (name,)), event_statement(event)])
            os.write(1, f"{name}\n".encode())
            count += 1

    await asyncio.gather(*(write(lane) for lane in range(8)))


asyncio.run(main(sys.argv[1], sys.argv[2]))
