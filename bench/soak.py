"""``make soak``: reads and writes for an hour (``MINUTES=``), and looks whether anything grows or fails.

Before that the random tests try ``EXAMPLES=`` times (20) as many examples as in ``make test``, other ones each time;
that of what may not be read changes ``FLIPS=`` (100,000) values on SQLite and a twentieth of that on PostgreSQL.
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
)
RANDOM_TESTS: Final = ("naive", "paging", "histories", "schemathesis", "noninterference")
KILLS: Final = os.environ.get("KILLS", "100")
"""How often workers and writers are killed with ``kill -9``."""
RESTARTS: Final = os.environ.get("RESTARTS", "20")
"""How often PostgreSQL is restarted under load."""
FAULT_FILES: Final = ("tests/events/test_faults.py", "tests/storage/test_durability.py")
SIZE: Final = 2_000
TURN_S: Final = 10.0
MOST_GROWTH: Final = 1.25
"""By so much may the worker's memory grow after the first tenth of the time, when all caches are full."""


def main() -> int:
    """Run it; 1 where memory grew too much. An answer that is no success ends it with an error."""
    if _random_tests() or _faults():
        return 1
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


def _random_tests() -> int:
    """Return what the tests ended with; those named here ask how long they may take."""
    command = [sys.executable, "-m", "pytest", "-q", "-k", " or ".join(RANDOM_TESTS), *RANDOM_FILES]
    environment = {**os.environ, "MAYDAN_TEST_SOAK": EXAMPLES, "MAYDAN_TEST_FLIPS": FLIPS}
    return subprocess.run(command, env=environment, check=False).returncode


def _faults() -> int:
    """Return what the tests ended with that kill workers and restart the database."""
    command = [sys.executable, "-m", "pytest", "-q", *FAULT_FILES]
    environment = {**os.environ, "MAYDAN_KILLS": KILLS, "MAYDAN_RESTARTS": RESTARTS}
    return subprocess.run(command, env=environment, check=False).returncode


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
