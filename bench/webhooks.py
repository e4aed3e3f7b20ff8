"""From a commit to the webhook at its receiver, at a steady rate of writes; ``python -m bench.webhooks`` alone too.

The receiver is a process of its own beside the load. What is measured begins at the event's own time, which the writer
takes before it commits, so that the commit is in it.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from statistics import quantiles
from typing import TYPE_CHECKING, Final

from bench import content
from bench.instance import OTHER_CORES, Instance, folder_for, free_port, postgresql
from bench.load import HOST, request

if TYPE_CHECKING:
    from bench.rows import Measured

RATE: Final = 100
"""Writes per second."""
WARM_UP: Final = 100
"""Events that are not counted: the first ones load the client."""
_ARTICLES_FROM: Final = 900_000_000
_WAIT_S: Final = 120.0
_OK: Final = b"HTTP/1.1 204 No Content\r\n\r\n"


def measure_webhooks(name: str, instance: Instance, results: dict[str, Measured], *, seconds: float) -> None:
    """Start the instance, write for a while, and note the 95th percentile in milliseconds."""
    instance.start(MAYDAN_WEBHOOKS_ALLOW_PRIVATE="true")
    try:
        count = int(RATE * seconds) + WARM_UP
        with receiver_process(count) as (port, receiver):
            token = instance.login()
            hook = {"url": f"http://{HOST}:{port}/", "events": ["entry.created"]}
            instance.call("POST", f"/api/spaces/{content.SPACE}/webhooks", hook, token=token)
            asyncio.run(_write(instance.port, token, count))
            out, _ = receiver.communicate(timeout=_WAIT_S)
        late_ms = [float(each) for each in out.split()][WARM_UP:]
        result = results[f"{name} webhook"]
        result.values.append(quantiles(late_ms, n=20)[-1])
        result.p99_ms.append(quantiles(late_ms, n=100)[-1])
    finally:
        instance.stop()


async def _write(port: int, token: str, count: int) -> None:
    """Create articles, one every hundredth of a second, however long each takes."""
    free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    for _ in range(16):
        free.put_nowait(await asyncio.open_connection(HOST, port))
    loop = asyncio.get_running_loop()
    begin = loop.time()
    async with asyncio.TaskGroup() as group:
        for number in range(count):
            await asyncio.sleep(max(0.0, begin + number / RATE - loop.time()))
            body = json.dumps(content.article(_ARTICLES_FROM + number)).encode()
            group.create_task(_create(free, request("POST", content.CONTENT, token=token, body=body)))
    while not free.empty():
        free.get_nowait()[1].close()


async def _create(free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]], wanted: bytes) -> None:
    reader, writer = await free.get()
    writer.write(wanted)
    head = await reader.readuntil(b"\r\n\r\n")
    if b" 201 " not in head.split(b"\r\n", 1)[0]:
        raise RuntimeError(head.decode())
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    await reader.readexactly(int(length.partition(b":")[2]))
    free.put_nowait((reader, writer))


@contextmanager
def receiver_process(count: int) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """Run a receiver that prints by how many milliseconds each of so many events was late."""
    port = free_port()
    command = [sys.executable, "-m", "bench.webhooks", "receive", str(port), str(count)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield port, process
    finally:
        process.kill()
        process.wait(timeout=10)


async def _receive(port: int, count: int) -> None:
    late_ms: list[float] = []
    done = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
                body = await reader.readexactly(int(length.partition(b":")[2]))
            except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
                writer.close()
                return
            now = datetime.now(UTC)
            writer.write(_OK)
            late_ms.append((now - datetime.fromisoformat(json.loads(body)["time"])).total_seconds() * 1000)
            if len(late_ms) == count:
                done.set()

    async with await asyncio.start_server(serve, HOST, port):
        await done.wait()
    print(*(f"{each:.2f}" for each in late_ms))


def main() -> None:
    """Measure both engines alone, or be the receiver."""
    from bench.rows import Measured

    if sys.argv[1:2] == ["receive"]:
        asyncio.run(_receive(int(sys.argv[2]), int(sys.argv[3])))
        return
    os.sched_setaffinity(0, OTHER_CORES)
    results = {f"{name} webhook": Measured() for name in ("sqlite", "postgresql")}
    with folder_for("webhooks") as folder, postgresql() as (url, _):
        for name, database in (("sqlite", "sqlite:///bench.db"), ("postgresql", url)):
            place = folder / name
            place.mkdir()
            instance = Instance(place, database)
            instance.start()
            content.create_space(instance)
            instance.stop()
            measure_webhooks(name, instance, results, seconds=10)
            result = results[f"{name} webhook"]
            print(f"{name}: p95 {result.value:.0f} ms, p99 {result.p99_ms[0]:.0f} ms")


if __name__ == "__main__":
    main()
