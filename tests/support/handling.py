"""A worker until it is killed: ``handling.py URL [POLL_S]`` prints the position of each event that it was handed."""

from __future__ import annotations

import asyncio
import os
import sys

from maydan.events.settings import EventsSettings
from maydan.events.subscriptions import Subscriptions
from maydan.storage import DatabaseSettings, open_store
from maydan.storage.log import LoggedEvent


class Printer:
    """Says what it gets in the one write that a dead process has either made or not."""

    name = "printer"

    async def handle(self, event: LoggedEvent) -> None:
        """Print it."""
        os.write(1, f"{event.position}\n".encode())


async def main(url: str, poll_s: float) -> None:
    """Serve one subscriber."""
    store = open_store(DatabaseSettings(url=url))
    await store.open()
    subscriptions = Subscriptions(store, EventsSettings(lease_s=0.3, poll_s=poll_s))
    subscriptions.add(Printer())
    await subscriptions.start()
    os.write(1, b"ready\n")
    await asyncio.Event().wait()


asyncio.run(main(sys.argv[1], float([*sys.argv, "0.05"][2])))
