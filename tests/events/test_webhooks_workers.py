"""Deliveries survive the worker that makes them."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from site_support import ARTICLE, Site, open_site  # pyright: ignore[reportMissingImports] - tests/support
from webhook_receiver import Got  # pyright: ignore[reportMissingImports] - tests/support

from maydan.storage.log import read_after

pytestmark = pytest.mark.anyio

SUPPORT = Path(__file__).parents[1] / "support"
KILLS = int(os.environ.get("MAYDAN_KILLS", "1"))
"""How often; ``make soak`` sets more."""
LIVES_S = (0.3, 0.6) if KILLS < 20 else (2.0, 5.0)
"""Seconds between two deaths."""
PAUSE_S = 0.1 if KILLS < 20 else 0.03
"""Seconds between two entries, each with two events."""
MOST_WAITING = 400
"""Deliveries that wait when nothing more is written; a worker that starts has that much to do."""
MOST_REPEATED = 8
"""Deliveries that are under way to one webhook when its worker dies."""
KINDS = ["entry.created", "entry.published"]


class Seen:
    """What a receiver in another process has been sent."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/hook"
        self.secret = ""
        self.events: list[tuple[str, int]] = []
        """The message's id and the event's, as they came."""
        self.subjects: dict[int, str] = {}

    def take(self, line: bytes) -> None:
        """Note a delivery, whose signature must be good."""
        headers, body = msgspec.json.decode(line)
        got = Got("/hook", headers, body.encode())
        event = got.verified(self.secret)
        self.events.append((got.message, int(event["id"])))
        self.subjects[int(event["id"])] = event["data"]["id"]


@asynccontextmanager
async def receiver() -> AsyncIterator[Seen]:
    """Run a receiver for the length of the block."""
    script = str(SUPPORT / "receiving.py")
    child = await asyncio.create_subprocess_exec(sys.executable, script, stdout=asyncio.subprocess.PIPE)
    assert child.stdout is not None
    output = child.stdout
    seen = Seen(int(await output.readline()))

    async def read() -> None:
        while line := await output.readline():
            seen.take(line)

    reading = asyncio.create_task(read())
    try:
        yield seen
    finally:
        child.kill()
        await child.wait()
        await reading


def worker(url: str) -> subprocess.Popen[bytes]:
    """Start a process that does the background work."""
    return subprocess.Popen([sys.executable, str(SUPPORT / "delivering.py"), url], stdin=subprocess.DEVNULL)


def end(process: subprocess.Popen[bytes]) -> None:
    """End it without a word (``kill -9``)."""
    process.kill()
    process.wait(timeout=10)


async def write(site: Site, seen: Seen) -> None:
    """Create and publish until cancelled, no faster than it is delivered."""
    for number in itertools.count():
        await site.entry({"title": {"en": f"Article {number}"}})
        await asyncio.sleep(PAUSE_S)
        while 2 * number - len(seen.subjects) > MOST_WAITING:  # noqa: ASYNC110 - another process has no event
            await asyncio.sleep(PAUSE_S)


@asynccontextmanager
async def dying(url: str, seen: Seen) -> AsyncIterator[None]:
    """Let two workers share the work, and end the one that delivers again and again; the last two go on."""
    workers = [worker(url)]
    try:
        for _ in range(KILLS):
            await until(seen, len(seen.events) + 1)
            workers.append(worker(url))
            await asyncio.sleep(random.uniform(*LIVES_S))
            await asyncio.to_thread(end, workers.pop(0))
        await until(seen, len(seen.events) + 1)
        yield
    finally:
        for process in workers:
            end(process)


async def until(seen: Seen, count: int) -> None:
    """Wait until that much has come, also while a dead worker's lease runs out."""
    async with asyncio.timeout(60):
        while len(seen.events) < count:  # noqa: ASYNC110 - another process has no event
            await asyncio.sleep(0.01)


async def logged(site: Site) -> set[int]:
    """The positions of all events that the webhook wants."""
    positions: set[int] = set()
    last = 0
    while page := await read_after(site.core.store, last, 1000):
        last = page[-1].position
        positions |= {event.position for event in page if event.type in KINDS}
    return positions


async def test_of_two_workers_one_may_die_at_any_moment(database_url: str) -> None:
    """Every event arrives at least once, in order for each entry; what comes twice has the same ``webhook-id``."""
    async with receiver() as seen, open_site(database_url, more={"webhooks": {"allow_private": True}}) as site:
        await site.define(ARTICLE)
        hook = {"url": seen.url, "events": KINDS}
        seen.secret = (await site.post("/api/spaces/demo/webhooks", hook, headers=site.admin)).json()["secret"]
        writing = asyncio.create_task(write(site, seen))
        async with dying(database_url, seen):
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
            wanted = await logged(site)
            async with asyncio.timeout(120):
                while not wanted <= seen.subjects.keys():  # noqa: ASYNC110 - another process has no event
                    await asyncio.sleep(0.05)
    times = Counter(seen.events)
    assert len({message for message, _ in times}) == len({event for _, event in times}) == len(times) == len(wanted)
    repeated = len(seen.events) - len(times)
    print(f"{len(times)} deliveries, {repeated} repeated, {KILLS} kills")  # noqa: T201 - for `make soak`
    # No more came twice than was under way when a worker died.
    assert repeated <= KILLS * MOST_REPEATED
    order: dict[str, list[int]] = {}
    for _, event in times:
        order.setdefault(seen.subjects[event], []).append(event)
    assert all(sorted(mine) == mine for mine in order.values())
