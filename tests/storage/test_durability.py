"""What was acknowledged survives ``kill -9`` at any moment, on both engines."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from pathlib import Path

import pytest

from maydan.storage import DatabaseSettings, Statement, open_store
from maydan.storage.log import read_after

pytestmark = pytest.mark.anyio

CHILD = Path(__file__).parent.parent / "support" / "acknowledging.py"
KILLS = int(os.environ.get("MAYDAN_KILLS", "4"))
"""How often; ``make soak`` sets more."""


async def killed(url: str, run: int, delay_s: float) -> set[str]:
    """Let a process write until it is killed; returns what it has acknowledged."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, str(CHILD), url, str(run), stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    names: set[str] = {(await child.stdout.readline()).decode().strip()}
    asyncio.get_running_loop().call_later(delay_s, child.send_signal, signal.SIGKILL)
    while line := await child.stdout.readline():
        if line.endswith(b"\n"):
            names.add(line.decode().strip())
    await child.wait()
    return names


async def test_kill_9_during_writes_loses_nothing_that_was_acknowledged(database_url: str) -> None:
    """Row and event of every acknowledged commit are there, and of every row its event."""
    store = open_store(DatabaseSettings(url=database_url))
    await store.open()
    await store.commit([Statement("CREATE TABLE kept (name {text} PRIMARY KEY)")])
    acknowledged: set[str] = set()
    for run in range(KILLS):
        acknowledged |= await killed(database_url, run, random.uniform(0.02, 0.4))
        stored = {row[0] for row in await store.fetch_all("SELECT name FROM kept")}
        assert acknowledged <= stored
    logged: list[str] = []
    while page := await read_after(store, int(logged[-1].partition("|")[0]) if logged else 0, 1000):
        logged += [f"{event.position}|{event.subject_id}" for event in page]
    names = [line.partition("|")[2] for line in logged]
    assert sorted(names) == sorted(row[0] for row in await store.fetch_all("SELECT name FROM kept"))
    if store.dialect.is_sqlite:
        assert await store.fetch_one("PRAGMA integrity_check") == ("ok",)
    await store.close()
