from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from maydan.access.snapshot import Snapshot, compile_snapshot
from maydan.clock import SystemClock
from maydan.content.spaces import Space
from maydan.operations import snapshots
from maydan.operations.snapshots import Snapshots
from maydan.plugins.guard import Guard
from maydan.plugins.host import PluginHost
from maydan.storage.registry import Registry

pytestmark = pytest.mark.anyio
SPACE = Space(key=1, name="demo", title="Demo", locales=("en",), default_locale="en")


class Table:
    """Stands for the policies' table: each reading takes until it is let go, and may fail."""

    def __init__(self) -> None:
        self.readings: list[asyncio.Future[Snapshot]] = []

    async def load(self, *_: Any, **__: Any) -> Snapshot:
        """Begin a reading."""
        reading: asyncio.Future[Snapshot] = asyncio.get_running_loop().create_future()
        self.readings.append(reading)
        return await reading


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Table:
    """Put the table where policies are read."""
    made = Table()
    monkeypatch.setattr(snapshots, "load_snapshot", made.load)
    return made


def _snapshots() -> Snapshots:
    nothing = cast("Any", None)
    host = PluginHost([], Guard())
    return Snapshots(nothing, host, SystemClock(), Registry(nothing, host.brings))


async def _asked(held: Snapshots, times: int) -> list[asyncio.Task[Snapshot]]:
    tasks = [asyncio.create_task(held.get(SPACE)) for _ in range(times)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks


async def test_many_who_ask_at_once_share_one_reading(table: Table) -> None:
    """Two hundred requests after an edit read ten thousand policies once, not two hundred times."""
    held = _snapshots()
    tasks = await _asked(held, 200)
    assert len(table.readings) == 1
    table.readings[0].set_result(compile_snapshot(1, (), {}))
    assert len({id(one) for one in await asyncio.gather(*tasks)}) == 1
    await held.get(SPACE)
    assert len(table.readings) == 1


async def test_what_was_read_before_a_change_is_not_given_after_it(table: Table) -> None:
    """Who asks after the change waits for a reading of its own, however the two end."""
    held = _snapshots()
    (early,) = await _asked(held, 1)
    held.forget()
    (late,) = await _asked(held, 1)
    old, new = compile_snapshot(1, (), {}), compile_snapshot(1, (), {})
    table.readings[1].set_result(new)
    assert await late is new
    table.readings[0].set_result(old)
    assert await early is old
    assert await held.get(SPACE) is new


async def test_a_reading_that_fails_is_an_error_and_never_a_yes(table: Table) -> None:
    """Whoever waited for it reads again; nothing is kept of it."""
    held = _snapshots()
    first, second = await _asked(held, 2)
    table.readings[0].set_exception(OSError("the database is away"))
    with pytest.raises(OSError, match="away"):
        await first
    await asyncio.sleep(0)
    assert len(table.readings) == 2
    found = compile_snapshot(1, (), {})
    table.readings[1].set_result(found)
    assert await second is found
