"""From a commit to the frame of a stream, and what idle streams cost; ``python -m bench.streams`` alone too.

What is measured begins at the event's own time, which the writer takes before it commits, so that the commit is in it.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import defaultdict
from datetime import UTC, datetime
from statistics import quantiles
from typing import TYPE_CHECKING, Final

from bench import content
from bench.instance import Instance, folder_for, postgresql
from bench.load import HOST
from bench.rows import Measured

if TYPE_CHECKING:
    from collections.abc import MutableMapping

RATE: Final = 50
"""Writes per second."""
READERS: Final = 8
"""Streams that are read meanwhile: enough that each worker has some."""
IDLE: Final = 500
_WARM_UP: Final = 20
_WAIT_S: Final = 60.0
_ARTICLES_FROM: Final = 800_000_000
_SETTLING_S: Final = 2.0

Open = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def measure_streams(name: str, instance: Instance, results: MutableMapping[str, Measured], *, seconds: float) -> None:
    """Start the instance with one worker and with two, and note the 95th percentiles in milliseconds."""
    for workers, row in ((1, "stream"), (2, "stream of two")):
        instance.start(workers=workers)
        try:
            late_ms = asyncio.run(_late(instance, int(RATE * seconds) + _WARM_UP))[_WARM_UP * READERS :]
        finally:
            instance.stop()
        results[f"{name} {row}"].values.append(quantiles(late_ms, n=20)[-1])
        results[f"{name} {row}"].p99_ms.append(quantiles(late_ms, n=100)[-1])


def measure_idle(name: str, instance: Instance, results: MutableMapping[str, Measured]) -> None:
    """Note by how many megabytes a worker grows with streams on which nothing happens."""
    instance.start()
    try:
        results[f"{name} idle streams"].values.append(asyncio.run(_idle(instance)))
    finally:
        instance.stop()


async def _late(instance: Instance, count: int) -> list[float]:
    """Write for a while; return by how many milliseconds each reader was told late of each write."""
    token = instance.login()
    streams = [await _open(instance.port, token) for _ in range(READERS)]
    readers = [asyncio.create_task(_read(reader, count)) for reader, _ in streams]
    loop = asyncio.get_running_loop()
    begin = loop.time()
    for number in range(count):
        await asyncio.sleep(max(0.0, begin + number / RATE - loop.time()))
        body = content.article(_ARTICLES_FROM + number + int(time.time()) % 100_000 * 1000)
        await asyncio.to_thread(instance.call, "POST", content.CONTENT, body, token=token)
    async with asyncio.timeout(_WAIT_S):
        told = await asyncio.gather(*readers)
    for _, writer in streams:
        writer.close()
    return [each for row in zip(*told, strict=True) for each in row]


async def _idle(instance: Instance) -> float:
    token = instance.login()
    # What the first stream of a worker loads is not the streams' cost.
    streams = [await _open(instance.port, token)]
    await asyncio.sleep(_SETTLING_S)
    before = instance.worker().memory_info().rss
    streams += [await _open(instance.port, token) for _ in range(IDLE)]
    await asyncio.sleep(_SETTLING_S)
    grown = instance.worker().memory_info().rss - before
    for _, writer in streams:
        writer.close()
    return grown / 2**20


async def _open(port: int, token: str) -> Open:
    """Open a stream and read its head."""
    reader, writer = await asyncio.open_connection(HOST, port)
    lines = [
        f"GET /api/spaces/{content.SPACE}/changes?events=entry.created HTTP/1.1", f"Host: {HOST}",
        "Accept: text/event-stream", f"Authorization: Bearer {token}", "", "",
    ]  # fmt: skip
    writer.write("\r\n".join(lines).encode())
    head = await reader.readuntil(b"\r\n\r\n")
    if b" 200 " not in head.split(b"\r\n", 1)[0]:
        raise RuntimeError(head.decode())
    return reader, writer


async def _read(reader: asyncio.StreamReader, count: int) -> list[float]:
    late_ms: list[float] = []
    while len(late_ms) < count:
        line = await reader.readline()
        if line.startswith(b"data: "):
            begun = datetime.fromisoformat(json.loads(line[6:])["time"])
            late_ms.append((datetime.now(UTC) - begun).total_seconds() * 1000)
        elif not line:
            raise RuntimeError("The stream ended.")
    return late_ms


def main() -> None:
    """Measure on both engines and print."""
    results: defaultdict[str, Measured] = defaultdict(Measured)
    with folder_for("streams") as folder:
        instance = Instance(folder, "sqlite:///bench.db")
        _prepared(instance)
        measure_idle("sqlite", instance, results)
        measure_streams("sqlite", instance, results, seconds=4.0)
    with postgresql() as (url, _), folder_for("streams") as folder:
        instance = Instance(folder, url)
        _prepared(instance)
        measure_streams("postgresql", instance, results, seconds=4.0)
    for key, measured in results.items():
        rare = f", p99 {max(measured.p99_ms):.1f}" if measured.p99_ms else ""
        sys.stdout.write(f"{key}: {measured.value:.1f}{rare}\n")


def _prepared(instance: Instance) -> None:
    instance.start()
    content.create_space(instance)
    instance.stop()


if __name__ == "__main__":
    main()
