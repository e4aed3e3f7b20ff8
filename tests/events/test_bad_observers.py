"""Observers that raise, sleep, exit and loop, in real processes under a supervisor."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from observing import NAMES, plugins  # pyright: ignore[reportMissingImports] - tests/support
from soaking import is_soaking  # pyright: ignore[reportMissingImports] - tests/support

from maydan.app import create_core, running
from maydan.events.dead_letters import list_dead_letters
from maydan.operations.core import Core, as_system
from maydan.operations.spaces import SpaceInput, create_space
from maydan.plugins.guard import Guard
from maydan.plugins.records import PluginRecords
from maydan.settings import read
from maydan.storage.log import Event, event_statement

pytestmark = pytest.mark.anyio

SCRIPT = Path(__file__).parents[1] / "support/observing.py"


class Observed:
    """A supervisor with the two plugins, and what they took."""

    def __init__(self, url: str, folder: Path, core: Core) -> None:
        self.core = core
        self.records = PluginRecords(core.store, core.clock)
        self._file = folder / "observed"
        self._file.touch()
        self._command = [sys.executable, str(SCRIPT), url, str(self._file)]
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "PYTHONPATH": str(SCRIPT.parent)}
        return subprocess.Popen(self._command, env=environment, stdin=subprocess.DEVNULL)

    async def stop(self) -> None:
        """Stop as an operator does."""
        self.process.terminate()
        assert await asyncio.to_thread(self.process.wait, 40) == 0

    def taken(self, plugin: str) -> list[str]:
        """The subjects of the events that a plugin has taken."""
        lines = [line.split(" ") for line in self._file.read_text(encoding="utf-8").splitlines()]
        return [subject for name, subject in lines if name == plugin]

    async def happens(self, *subjects: str) -> None:
        """Write an event about each."""
        key = self.core.registry.spaces()[0].key
        for subject in subjects:
            event = Event(
                type="entry.created", space_key=key, subject_type="t", subject_id=subject, at=datetime.now(UTC)
            )
            await self.core.store.commit([event_statement(event)])

    async def until(self, reached: Callable[[], bool]) -> None:
        """Wait for something that another process does."""
        async with asyncio.timeout(40):
            while not reached():  # noqa: ASYNC110 - another process has no event
                await asyncio.sleep(0.02)

    async def letters(self, *subjects: str) -> None:
        """Wait until the events about these, and no others, are dead letters of the bad plugin."""
        count = len(subjects)
        async with asyncio.timeout(40):
            while len(found := await list_dead_letters(self.core.store)) < count:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.02)
        assert [letter.subscriber for letter in found] == ["plugin.bad"] * count, found

    async def isolated(self) -> str:
        """Wait until the bad plugin is isolated; returns why."""
        async with asyncio.timeout(40):
            while True:
                record = (await self.records.all()).get("bad")
                if record is not None and record.isolation is not None:
                    return record.isolation.reason
                await asyncio.sleep(0.02)

    async def release(self) -> None:
        """Do what an operator does who has looked at it: release it, and start again."""
        await self.stop()
        await self.records.release("bad")
        self.process = self._start()


@pytest.fixture
async def observed(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Observed]:
    """Both plugins at work in a space."""
    core = create_core(read({"database": {"url": sqlite_url}}, {}), plugins(Guard(), {}))
    async with running(core):
        await create_space(core, as_system("test"), SpaceInput(name="demo", plugins=NAMES))
        observed = Observed(sqlite_url, tmp_path, core)
        try:
            yield observed
        finally:
            await observed.stop()


async def test_one_that_raises_or_sleeps_holds_up_nobody_and_loses_only_what_it_cannot_take(observed: Observed) -> None:
    """What it could not take is a dead letter after its tries; what came meanwhile it has taken."""
    await observed.happens("a", "raise", "b", "sleep", "c")
    await observed.until(lambda: observed.taken("good") == ["a", "raise", "b", "sleep", "c"])
    await observed.until(lambda: observed.taken("bad") == ["a", "b", "c"])
    await observed.letters("raise", "sleep")


@pytest.mark.parametrize("fault", ["exit", "loop"] if is_soaking() else ["exit"])
async def test_one_that_ends_its_worker_again_and_again_loses_that_event_alone(observed: Observed, fault: str) -> None:
    """The others go on in the next worker; its own place is held until it is released, and then it goes on."""
    await observed.happens("a", fault, "b")
    for _ in range(2):
        assert "entry_created" in await observed.isolated()
        await observed.happens("c")
        await observed.until(lambda: observed.taken("good")[-1:] == ["c"])
        assert set(observed.taken("bad")) == {"a"}
        await observed.release()
    await observed.until(lambda: observed.taken("bad")[-1:] == ["c"])
    assert list(dict.fromkeys(observed.taken("bad"))) == ["a", "b", "c"]
    assert list(dict.fromkeys(observed.taken("good"))) == ["a", fault, "b", "c"]
    await observed.letters(fault)
