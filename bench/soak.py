"""``make soak``: what takes too long for ``make test``, in parts; ``SOAK=`` names those to run, with commas between.

- ``random`` (half an hour): the random tests with ``EXAMPLES=`` times (20) as many examples, other ones each time;
- ``faults`` (20 minutes): workers and writers killed ``KILLS=`` times (100) with ``kill -9`` under load, PostgreSQL
  restarted ``RESTARTS=`` times (20), observers that end their worker, on both engines, two tests at a time;
- ``backlog`` (20 minutes): subscribers that are ``BACKLOG=`` lines (1,000,000) behind catch up, on both engines;
- ``hour``: reads and writes for ``MINUTES=`` (60), and looks whether anything grows or fails.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import Final

from bench import content
from bench.instance import OTHER_CORES, Instance, folder_for
from bench.load import measure

MINUTES: Final = float(os.environ.get("MINUTES", "60"))
EXAMPLES: Final = os.environ.get("EXAMPLES", "20")
FLIPS: Final = os.environ.get("FLIPS", "100000")
"""How many values are changed that a reader may not see."""
RANDOM_FILES: Final = (
    "tests/storage/test_document_queries.py",
    "tests/operations/test_lists_paging.py",
    "tests/operations/test_histories.py",
    "tests/contract/test_schemathesis.py",
    "tests/contract/test_noninterference.py",
    "tests/contract/test_attacks_memory.py",
)
RANDOM_TESTS: Final = ("naive", "paging", "histories", "schemathesis", "noninterference", "strangers")
STRANGERS: Final = os.environ.get("STRANGERS", "100000")
"""How many come with names that nobody knows."""
KILLS: Final = os.environ.get("KILLS", "100")
"""How often workers and writers are killed with ``kill -9``."""
RESTARTS: Final = os.environ.get("RESTARTS", "20")
"""How often PostgreSQL is restarted under load."""
FAULT_FILES: Final = (
    "tests/events/test_webhooks_workers.py",
    "tests/events/test_faults.py",
    "tests/events/test_bad_observers.py",
    "tests/storage/test_durability.py",
)
PARTS: Final = ("random", "faults", "backlog", "hour")
WANTED: Final = tuple(filter(None, os.environ.get("SOAK", "").split(","))) or PARTS
SIZE: Final = 2_000
TURN_S: Final = 10.0
MOST_GROWTH: Final = 1.25
"""By so much may the worker's memory grow after the first tenth of the time, when all caches are full."""


def main() -> int:
    """Run the parts that are wanted, all of them whatever the one before found; 1 where any found something."""
    unknown = set(WANTED) - set(PARTS)
    if unknown:
        print(f"There is no part {', '.join(sorted(unknown))}; the parts are {', '.join(PARTS)}.", file=sys.stderr)
        return 2
    parts = {"random": _random_tests, "faults": _faults, "backlog": _backlog, "hour": _hour}
    found = {part: bool(parts[part]()) for part in PARTS if part in WANTED}
    print(", ".join(f"{part}: {'failed' if failed else 'passed'}" for part, failed in found.items()))
    return int(any(found.values()))


def _random_tests() -> int:
    """Return what the tests ended with: those named here, and all that are given random examples."""
    environment = {
        **os.environ,
        "MAYDAN_TEST_SOAK": EXAMPLES,
        "MAYDAN_TEST_FLIPS": FLIPS,
        "MAYDAN_STRANGERS": STRANGERS,
    }
    named, given = ["-k", " or ".join(RANDOM_TESTS), *RANDOM_FILES], ["-m", "hypothesis", "tests", "plugins"]
    commands = ([sys.executable, "-m", "pytest", "-q", *chosen] for chosen in (named, given))
    return max(subprocess.run(command, env=environment, check=False).returncode for command in commands)


def _faults() -> int:
    """Return what the tests ended with that kill workers and restart the database; they say what they counted."""
    command = [sys.executable, "-m", "pytest", "-q", "-rP", "--numprocesses", "2", "--dist", "load", *FAULT_FILES]
    environment = {**os.environ, "MAYDAN_KILLS": KILLS, "MAYDAN_RESTARTS": RESTARTS, "MAYDAN_TEST_SOAK": EXAMPLES}
    return subprocess.run(command, env=environment, check=False).returncode


def _backlog() -> int:
    """Return 1 where memory grew while subscribers caught up; what does not catch up ends it with an error."""
    return subprocess.run([sys.executable, "-m", "bench.backlog"], check=False).returncode


def _hour() -> int:
    """Return 1 where memory grew too much. An answer that is no success ends it with an error."""
    os.sched_setaffinity(0, OTHER_CORES)
    with folder_for("soak") as folder:
        instance = Instance(folder, "sqlite:///soak.db")
        instance.start()
        try:
            content.create_space(instance)
            grown = _soak(instance, content.fill(instance, SIZE))
        finally:
            instance.stop()
    print(f"Memory grew by a factor of {grown:.2f} (at most {MOST_GROWTH}).")
    return int(grown > MOST_GROWTH)


def _soak(instance: Instance, ids: list[str]) -> float:
    begin = time.monotonic()
    turn, warm_mb = 0, 0.0
    while (elapsed_s := time.monotonic() - begin) < MINUTES * 60:
        token = instance.login()
        rates = [
            measure(instance.port, content.reads(ids), expect=200, seconds=TURN_S),
            measure(instance.port, content.same(f"{content.LIST}&count=exact"), expect=200, seconds=TURN_S),
            measure(instance.port, content.updates(token, ids, turn), expect=200, seconds=TURN_S),
        ]
        memory_mb = instance.worker().memory_info().rss / 2**20
        if elapsed_s < MINUTES * 6 or not warm_mb:
            warm_mb = memory_mb
        turn += 1
        shown = ", ".join(f"{rate.per_second:.0f}/s" for rate in rates)
        print(f"{elapsed_s / 60:5.1f} min: {shown}, {memory_mb:.0f} MB", file=sys.stderr, flush=True)
    return instance.worker().memory_info().rss / 2**20 / warm_mb


if __name__ == "__main__":
    sys.exit(main())
