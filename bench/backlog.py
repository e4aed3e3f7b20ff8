"""Subscribers that are a million lines of the log behind: how fast they catch up, with how much memory, at whose cost.

Part of ``make soak`` (``SOAK=backlog``, ``BACKLOG=`` lines), and alone by ``python -m bench.backlog``. One worker with
all background work serves requests on the same loop: the audit, the plugins' observers, and the webhooks, one of which
wants every hundredth line and is delivered to.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from datetime import UTC, datetime
from statistics import quantiles
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from bench import content
from bench.instance import OTHER_CORES, Instance, folder_for, postgresql
from bench.load import HOST, request
from bench.webhooks import receiver_process
from maydan.events.positions import list_subscribers
from maydan.events.webhooks.deliveries import queue
from maydan.storage import DatabaseSettings, Store, open_store
from maydan.storage.log import Event, event_statement, newest_position

if TYPE_CHECKING:
    from pathlib import Path

LINES: Final = int(os.environ.get("BACKLOG", "1000000"))
WANTED_EVERY: Final = 100
MOST_GROWTH: Final = 1.25
"""By so much may the worker's memory grow after the first tenth of the backlog."""
LONGEST_S: Final = 1200.0
_ENTRIES: Final = 200
_COMMIT: Final = 500
_LOOK_S: Final = 2.0
_PACE_S: Final = 0.02
_NEVER: Final = 1_000_000_000


class CaughtUp(Struct, frozen=True, kw_only=True):
    """How it went."""

    seconds: dict[str, float]
    """By subscriber, until it stood at the end of the log; ``deliveries``: until none waited."""
    warm_mb: float
    """The worker's own memory in the first tenth of the time."""
    most_mb: float
    """The most that it had after that."""
    before_ms: float
    """The 95th percentile of a list's answers, fifty a second, with nothing to do behind them."""
    beside_ms: float
    """The same while everything catches up."""

    @property
    def growth(self) -> float:
        """By how much the memory grew."""
        return self.most_mb / self.warm_mb

    def shown(self, lines: int) -> str:
        """Say it in one line."""
        rates = ", ".join(f"{name} {lines / spent:.0f}/s" for name, spent in sorted(self.seconds.items()))
        memory = f"{self.warm_mb:.0f} to {self.most_mb:.0f} MB"
        return (
            f"{lines} lines: {rates}; {memory}; a list p95 {self.before_ms:.1f} ms, beside it {self.beside_ms:.1f} ms"
        )


def measure_backlog(folder: Path, url: str, lines: int) -> CaughtUp:
    """Make an instance, put that many lines into its log while nobody serves, start it and watch."""
    instance = Instance(folder, url)
    instance.start(MAYDAN_WEBHOOKS_ALLOW_PRIVATE="true")
    content.create_space(instance)
    ids = content.fill(instance, _ENTRIES)
    with receiver_process(_NEVER) as (port, _):
        hook = {"url": f"http://{HOST}:{port}/", "events": ["entry.published"]}
        instance.call("POST", f"/api/spaces/{content.SPACE}/webhooks", hook, token=instance.login())
        before_ms: list[float] = []
        asyncio.run(_ask(instance.port, before_ms, 5.0))
        instance.stop()
        address = url if url.startswith("postgresql") else f"sqlite:///{folder / url.removeprefix('sqlite:///')}"
        asyncio.run(_fill(address, ids, lines))
        instance.start(MAYDAN_WEBHOOKS_ALLOW_PRIVATE="true")
        try:
            return asyncio.run(_watch(instance, address, before_ms))
        finally:
            instance.stop()


async def _fill(url: str, ids: list[str], lines: int) -> None:
    store = open_store(DatabaseSettings(url=url))
    await store.open()
    row = await store.fetch_one("SELECT key FROM maydan_spaces WHERE name = ?", content.SPACE)
    assert row is not None
    for begin in range(0, lines, _COMMIT):
        numbers = range(begin, min(begin + _COMMIT, lines))
        await store.commit([event_statement(_event(row[0], number, ids)) for number in numbers])
    await store.close()


def _event(space_key: int, number: int, ids: list[str]) -> Event:
    is_wanted = number % WANTED_EVERY == 0
    return Event(
        type="entry.published" if is_wanted else "entry.updated",
        space_key=space_key,
        subject_type="article",
        subject_id=ids[number // WANTED_EVERY % len(ids)],
        version=1,
        at=datetime.now(UTC),
        data={"locales": ["en"]} if is_wanted else {"fields": ["title"]},
    )


async def _ask(port: int, lasted_ms: list[float], for_s: float) -> None:
    """Ask for a list fifty times a second, one after the other, and note how long each answer took."""
    reader, writer = await asyncio.open_connection(HOST, port)
    wanted = request("GET", content.LIST)
    end = time.monotonic() + for_s
    while (begin := time.monotonic()) < end:
        writer.write(wanted)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.partition(b":")[2]))
        spent_s = time.monotonic() - begin
        lasted_ms.append(spent_s * 1000)
        await asyncio.sleep(max(_PACE_S - spent_s, 0))
    writer.close()


async def _watch(instance: Instance, url: str, before_ms: list[float]) -> CaughtUp:
    store = open_store(DatabaseSettings(url=url))
    await store.open()
    beside_ms: list[float] = []
    asking = asyncio.create_task(_ask(instance.port, beside_ms, LONGEST_S))
    try:
        seconds, memory = await _caught_up(instance, store)
    finally:
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await store.close()
    warm = memory[: max(len(memory) // 10, 1)]
    return CaughtUp(
        seconds=seconds, warm_mb=max(warm), most_mb=max(memory),
        before_ms=quantiles(before_ms, n=20)[-1], beside_ms=quantiles(beside_ms, n=20)[-1],
    )  # fmt: skip


async def _caught_up(instance: Instance, store: Store) -> tuple[dict[str, float], list[float]]:
    """Look until everybody stands at the end; returns when each did, and the memory at each look in MB."""
    begin, goal = time.monotonic(), await newest_position(store)
    seconds: dict[str, float] = {}
    memory: list[float] = []
    while (spent_s := time.monotonic() - begin) < LONGEST_S:
        memory.append(_own_memory_mb(instance))
        subscribers = await list_subscribers(store)
        there = {each.name for each in subscribers if each.position >= goal}
        if "webhooks" in there and not (await queue(store)).waiting:
            there.add("deliveries")
        for name in there - seconds.keys():
            seconds[name] = spent_s
        if len(seconds) == len(subscribers) + 1:
            return seconds, memory
        await asyncio.sleep(_LOOK_S)
    raise RuntimeError(f"Only {sorted(seconds)} caught up within {LONGEST_S} s.")


def _own_memory_mb(instance: Instance) -> float:
    """Return what the worker keeps for itself: pages of the database's file that are mapped are the system's cache."""
    memory = instance.worker().memory_info()
    return (memory.rss - memory.shared) / 2**20


def main() -> int:
    """Measure both engines; 1 where memory grew too much."""
    os.sched_setaffinity(0, OTHER_CORES)
    is_flat = True
    with folder_for("backlog") as folder, postgresql() as (url, _):
        for name, database in (("sqlite", "sqlite:///bench.db"), ("postgresql", url)):
            place = folder / name
            place.mkdir()
            result = measure_backlog(place, database, LINES)
            print(f"{name}: {result.shown(LINES)}", flush=True)
            is_flat = is_flat and result.growth <= MOST_GROWTH
    return int(not is_flat)


if __name__ == "__main__":
    sys.exit(main())
