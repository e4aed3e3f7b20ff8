"""Whatever ends a worker, every event that was committed is handed over; what comes twice is known by its position."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest
from postgresql_server import Server, running_server  # pyright: ignore[reportMissingImports] - tests/support

from maydan.errors import MaydanError
from maydan.events.settings import EventsSettings
from maydan.events.subscriptions import Subscriptions
from maydan.storage import DatabaseSettings, Store, open_store
from maydan.storage.log import Event, LoggedEvent, event_statement, read_after

pytestmark = pytest.mark.anyio

CHILD = Path(__file__).parent.parent / "support" / "handling.py"
KILLS = int(os.environ.get("MAYDAN_KILLS", "3"))
"""How often; ``make soak`` sets more."""
LIVES_S = (0.5, 1.5) if KILLS < 20 else (1.0, 5.0)
"""Seconds that a worker lives."""
MOST_REPEATED = 25
"""Events that a worker which dies may have handed over without saving it: so many fit between two saves."""
RESTARTS = int(os.environ.get("MAYDAN_RESTARTS", "1"))
T = TypeVar("T")


async def write(store: Store) -> None:
    """Commit events about twenty things until cancelled."""
    number = 0
    while True:
        number += 1
        event = Event(
            type="entry.updated", space_key=1, subject_type="t", subject_id=str(number % 20), version=number,
            at=datetime.now(UTC),
        )  # fmt: skip
        await store.commit([event_statement(event)])
        await asyncio.sleep(0.002)


async def handled(url: str, *, until: int | None = None, for_s: float = 0.0) -> list[int]:
    """Let a worker serve until it was handed a position, or for a while, and kill it; returns what it was handed."""
    child = await asyncio.create_subprocess_exec(sys.executable, str(CHILD), url, stdout=asyncio.subprocess.PIPE)
    assert child.stdout is not None
    await child.stdout.readline()
    if until is None:
        asyncio.get_running_loop().call_later(for_s, child.send_signal, signal.SIGKILL)
    positions: list[int] = []
    async with asyncio.timeout(60):
        while (line := await child.stdout.readline()).endswith(b"\n"):
            positions.append(int(line))
            if positions[-1] == until:
                child.kill()
    await child.wait()
    return positions


async def test_kill_9_of_the_worker_under_load_loses_no_event_and_repeats_few(database_url: str) -> None:
    """At random moments; few come twice, over many kills one in a hundred, and each thing's events are in order."""
    store = open_store(DatabaseSettings(url=database_url))
    await store.open()
    writing = asyncio.create_task(write(store))
    seen: list[int] = []
    for _ in range(KILLS):
        seen += await handled(database_url, for_s=random.uniform(*LIVES_S))
    writing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await writing
    logged = {}
    while page := await read_after(store, max(logged, default=0), 1000):
        logged |= {event.position: event.subject_id for event in page}
    await store.close()
    if max(seen, default=0) < max(logged):
        seen += await handled(database_url, until=max(logged))
    times = Counter(seen)
    assert times.keys() == logged.keys()
    repeated = sum(times.values()) - len(times)
    print(f"{len(times)} events, {repeated} repeated, {KILLS} kills")  # noqa: T201 - for `make soak`
    assert repeated <= (KILLS * MOST_REPEATED if KILLS < 20 else len(logged) / 100)
    first = list(dict.fromkeys(seen))
    for subject in set(logged.values()):
        own = [position for position in first if logged[position] == subject]
        assert own == sorted(own)


async def test_a_commit_wakes_the_observers_of_another_process(database_url: str) -> None:
    """Nobody waits for the next look, which here is ten minutes away: also when the log was empty for a while."""
    store = open_store(DatabaseSettings(url=database_url))
    await store.open()
    store.watch()  # as every process of an instance does
    command = [sys.executable, str(CHILD), database_url, "600"]
    child = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert child.stdout is not None
    await child.stdout.readline()
    try:
        for pause_s in (0.3, 0.5, 0.0, 0.0):
            await asyncio.sleep(pause_s)  # longer than its lease, so that it has gone to rest
            event = Event(type="entry.created", space_key=1, subject_type="t", subject_id="1", at=datetime.now(UTC))
            await store.commit([event_statement(event)])
            async with asyncio.timeout(30):
                assert int(await child.stdout.readline()) > 0
    finally:
        child.kill()
        await child.wait()
        await store.close()


async def insist(work: Callable[[], Awaitable[T]]) -> T:
    """Try until the database answers again."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await work()
            except (MaydanError, OSError):
                await asyncio.sleep(0.05)


@pytest.fixture
def own_server() -> Iterator[Server]:
    """A server that nobody else's tests use."""
    with running_server() as server:
        yield server


async def test_postgresql_may_be_restarted_under_load(own_server: Server) -> None:
    """Nobody of ours is restarted, and every event whose commit was confirmed is handed over."""
    store = open_store(DatabaseSettings(url=await own_server.create()))
    await store.open()
    seen: set[str] = set()

    class Recorder:
        name = "recorder"

        async def handle(self, event: LoggedEvent) -> None:
            seen.add(event.subject_id)

    subscriptions = Subscriptions(store, EventsSettings(poll_s=0.1))
    subscriptions.add(Recorder())
    await subscriptions.start()
    confirmed: set[str] = set()

    async def write() -> None:
        for number in itertools.count():
            event = Event(
                type="entry.created", space_key=1, subject_type="t", subject_id=str(number), at=datetime.now(UTC)
            )
            await insist(partial(store.commit, [event_statement(event)]))
            confirmed.add(event.subject_id)
            await asyncio.sleep(0.002)

    writing = asyncio.create_task(write())
    for _ in range(RESTARTS):
        known = len(confirmed)
        await asyncio.to_thread(own_server.restart)
        async with asyncio.timeout(60):
            while len(confirmed) < known + 50:  # noqa: ASYNC110 - a set has no event
                await asyncio.sleep(0.02)
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    await subscriptions.settled(30)
    await subscriptions.stop()
    await store.close()
    print(f"{len(confirmed)} commits confirmed, {len(seen)} events, {RESTARTS} restarts")  # noqa: T201 - as above
    assert confirmed <= seen
