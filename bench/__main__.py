"""``make bench``: measures, prints the table and writes ``docs/benchmarks.md``."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench import content, report
from bench.instance import OTHER_CORES, Instance, folder_for, free_port, pin_to_server, postgresql
from bench.load import HOST, Source, drive, measure, request
from bench.queries import BASE, Queries
from bench.rows import Measured
from bench.streams import measure_idle, measure_streams
from bench.webhooks import measure_webhooks

PAGE: Final = Path("docs/benchmarks.md")
MOST_ARTICLES: Final = 100_000
"""So many are written over HTTP, as clients would; the notes, which are copied, are as many as are asked for."""
VERSIONS: Final = int(os.environ.get("VERSIONS", "1000000"))
"""Of one entry."""


class Run:
    """One run of the benchmark."""

    def __init__(self, *, size: int, rounds: int, seconds: float) -> None:
        """Take its size; nothing is started yet."""
        self.size = min(size, MOST_ARTICLES)
        self.notes = size
        self.rounds = rounds
        self.seconds = seconds
        self.results: defaultdict[str, Measured] = defaultdict(Measured)
        self._written = size
        """Number of the next article, so that no two have a title in common."""

    def engine(self, name: str, url: str) -> None:
        """Measure everything on one engine."""
        with folder_for(name) as folder:
            instance = Instance(folder, url)
            try:
                self._on(name, instance)
                self._queries(name, instance, url)
                measure_streams(name, instance, self.results, seconds=self.seconds)
                measure_webhooks(name, instance, self.results, seconds=max(self.seconds, 5.0))
                if name == "sqlite":
                    measure_idle(name, instance, self.results)
            finally:
                instance.stop()

    def dispatcher(self) -> None:
        """Measure ten hooks, on the server's core."""
        done = subprocess.run(
            [sys.executable, "-m", "bench.dispatcher"], capture_output=True, text=True, check=True,
            preexec_fn=pin_to_server,
        )  # fmt: skip
        self.results["dispatcher"].values.append(float(done.stdout))

    def access(self) -> None:
        """Measure what policies cost, on the server's core."""
        done = subprocess.run(
            [sys.executable, "-m", "bench.access"], capture_output=True, text=True, check=True,
            preexec_fn=pin_to_server,
        )  # fmt: skip
        rows = ("permission", "policy edit", "policy stall", "policy errors")
        for key, figure in zip(rows, done.stdout.split(), strict=True):
            self.results[key].values.append(float(figure))

    def events(self) -> None:
        """Measure the log's way to the plugins, on the server's core."""
        done = subprocess.run(
            [sys.executable, "-m", "bench.events"], capture_output=True, text=True, check=True,
            preexec_fn=pin_to_server,
        )  # fmt: skip
        through, cost = done.stdout.split()
        self.results["events"].values.append(float(through))
        self.results["observers"].values.append(float(cost))

    def _on(self, name: str, instance: Instance) -> None:
        instance.start()
        say(f"{name}: writing and publishing {self.size} articles")
        content.create_space(instance)
        ids = content.fill(instance, self.size)
        instance.gather_statistics()
        self._reads(name, instance, ids)
        self._writes(name, instance, ids)
        instance.stop()
        if name == "sqlite":
            instance.start(MAYDAN_DATABASE_SYNCHRONOUS="normal")
            self._writes("sqlite-normal", instance, ids)
            instance.stop()
            self._start_and_memory(instance)

    def _reads(self, name: str, instance: Instance, ids: list[str]) -> None:
        total = f"{content.LIST}&count=exact"
        sources = {
            "by-id": content.reads(ids), "list": content.same(content.LIST), "total": content.same(total),
        }  # fmt: skip
        paths = {"by-id": f"{content.CONTENT}/{ids[0]}", "list": content.LIST, "total": total}
        with folder_for("bodies") as folder:
            for row, path in paths.items():
                (folder / f"{row}.json").write_bytes(_answer(instance.port, path))
            with _bare(folder) as port:
                for row, source in sources.items():
                    self._read_row(f"{name} {row}", instance.port, source, port, content.same(f"/{row}"))

    def _read_row(self, key: str, port: int, source: Source, bare_port: int, bare: Source) -> None:
        result = self.results[key]
        for _ in range(self.rounds):
            result.bare.append(measure(bare_port, bare, expect=200, seconds=self.seconds).per_second)
            own = measure(port, source, expect=200, seconds=self.seconds)
            result.values.append(own.per_second)
            result.p99_ms.append(own.p99_ms)
        say(f"{key}: {result.value:.0f}/s, {result.ratio or 0:.0%} of the bare handler")

    def _writes(self, name: str, instance: Instance, ids: list[str]) -> None:
        for number in range(self.rounds):
            token = instance.login()
            created = measure(instance.port, content.creates(token, self._written), expect=201, seconds=self.seconds)
            self._written += 1_000_000
            updated = measure(
                instance.port, content.updates(token, ids, self._written + number), expect=200, seconds=self.seconds
            )
            for row, rate in (("create", created), ("update", updated)):
                self.results[f"{name} {row}"].values.append(rate.per_second)
                self.results[f"{name} {row}"].p99_ms.append(rate.p99_ms)
        for row in ("create", "update"):
            say(f"{name} {row}: {self.results[f'{name} {row}'].value:.0f}/s")

    def _queries(self, name: str, instance: Instance, url: str) -> None:
        queries = Queries(name, instance, url, self.results)
        how = {"rounds": self.rounds, "seconds": self.seconds}
        instance.start()
        say(f"{name}: copying {BASE} notes")
        queries.fill()
        paths = queries.paths()
        with folder_for("bodies") as folder:
            for row, path in paths.items():
                (folder / f"{row}.json").write_bytes(_answer(instance.port, path))
            with _bare(folder) as port:
                for row, path in paths.items():
                    self._read_row(f"{name} {row}", instance.port, content.same(path), port, content.same(f"/{row}"))
        queries.far_page(**how)
        queries.words(**how)
        queries.others(**how)
        queries.bulk(rounds=self.rounds)
        say(f"{name}: copying {VERSIONS} versions")
        queries.versions(VERSIONS, **how)
        if self.notes > BASE:
            say(f"{name}: copying {self.notes} notes")
            queries.large(self.notes, **how)
        instance.stop()

    def _start_and_memory(self, instance: Instance) -> None:
        times: list[float] = []
        for _ in range(3):
            times.append(instance.start())
            self.results["memory"].values.append(instance.worker().memory_info().rss / 2**20)
            instance.stop()
        self.results["start"].values.append(min(times))


@contextmanager
def _bare(folder: Path) -> Iterator[int]:
    """Run the bare handler on the server's core; give its port."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.bare", str(port)],
        env={**os.environ, "BENCH_BODIES": str(folder)},
        preexec_fn=pin_to_server,  # noqa: PLW1509 - one system call, before anything else runs
    )
    try:
        _wait_for(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=10)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    import socket
    import time

    while process.poll() is None:
        try:
            socket.create_connection((HOST, port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("The bare handler does not start.")


def _answer(port: int, path: str) -> bytes:
    """Return the body of one answer, as it is."""
    bodies: list[bytes] = []
    drive(port, content.source_of(iter([request("GET", path)])), expect=200, taker=bodies.append, connections=1)
    return bodies[0]


def say(line: str) -> None:
    """Tell how far it is."""
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--size", type=int, default=int(os.environ.get("SIZE", "10000")))
    parser.add_argument("--rounds", type=int, default=int(os.environ.get("ROUNDS", "5")))
    parser.add_argument("--seconds", type=float, default=float(os.environ.get("SECONDS", "3")))
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), help="only this one; writes no page")
    chosen = parser.parse_args()
    os.sched_setaffinity(0, OTHER_CORES)
    warning = report.busy()
    if warning:
        say(warning)
    run = Run(size=chosen.size, rounds=chosen.rounds, seconds=chosen.seconds)
    run.dispatcher()
    run.access()
    run.events()
    if chosen.engine != "postgresql":
        run.engine("sqlite", "sqlite:///bench.db")
    edition = ""
    if chosen.engine != "sqlite":
        with postgresql() as (url, edition):
            run.engine("postgresql", url)
    report.print_table(run.size, run.results)
    if chosen.engine is None:
        report.write_page(PAGE, run.size, run.results, [*report.machine(edition), *filter(None, [warning])])
        print(f"\nWritten to {PAGE}.")


if __name__ == "__main__":
    main()
